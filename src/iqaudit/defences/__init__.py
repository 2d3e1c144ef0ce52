"""Defences: what a scorer does to a picture before it is scored, and to its answer."""

from iqaudit.defences._answers import Round, Sawtooth, Stairs
from iqaudit.defences._base import Defence, Standard
from iqaudit.defences._pictures import (
    Bits,
    Blur,
    Crop,
    Denoise,
    Jpeg,
    Median,
    MedianCrops,
    MirrorMean,
    Noise,
    Resize,
    Smooth,
    Webp,
)
from iqaudit.defences._registry import DEFENCES

__all__ = [
    "DEFENCES",
    "Bits",
    "Blur",
    "Crop",
    "Defence",
    "Denoise",
    "Jpeg",
    "Median",
    "MedianCrops",
    "MirrorMean",
    "Noise",
    "Resize",
    "Round",
    "Sawtooth",
    "Smooth",
    "Stairs",
    "Standard",
    "Webp",
]
