"""The store of runs: their files are written whole, and removed; `iqaudit._runs.schema` names them.

Nothing in a run tells the time or the place: the same run writes the same bytes.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import features

from iqaudit._core.errors import InputError, naming
from iqaudit._core.paths import absolute
from iqaudit._core.picture import write
from iqaudit._core.process import COMPILER, compiler_version
from iqaudit._runs.checksums import file_sha256, sealed
from iqaudit._runs.figures import likeness, measure
from iqaudit._runs.journal import lock
from iqaudit._runs.records import PictureRecord
from iqaudit._runs.schema import (
    ANALYSES,
    ANSWER,
    ANSWERS,
    AUDIT,
    CLEAN_ANSWERS,
    COSTS,
    ENTRIES,
    FILES,
    PART,
    PROBE_ANSWERS,
    REPORT,
    RESULTS,
    as_json,
    file_names,
    load,
    manifest,
    refuse_links,
)
from iqaudit._search.trial import TrialResult
from iqaudit.victims._base import Card

IMAGE_LIBRARIES = (
    "albumentations",
    "av",
    "imagecodecs",
    "imageio",
    "kornia",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
    "pillow",
    "pillow-avif-plugin",
    "pillow-heif",
    "pyturbojpeg",
    "pyvips",
    "pyvips-binary",
    "scikit-image",
    "scipy",
    "simplejpeg",
    "tifffile",
    "torchvision",
)
"""Packages that decode or resize pictures: another version may give other pixels."""

PILLOW_DECODERS = ("avif", "jpg", "jpg_2000", "libtiff", "libjpeg_turbo", "webp")
"""Libraries that a build of Pillow brings, or finds on the system."""


def write_result(
    path: Path, result: TrialResult, card: Card, labels: Mapping[str, Any]
) -> PictureRecord:
    """Write a result's files into a run's directory, and return its record.

    Parameters
    ----------
    path : Path
        The run's directory, with its folders.
    result : TrialResult
        The result of one picture.
    card : Card
        The victim's.
    labels : mapping
        The picture's opinion score, distortion and reference.
    """
    picture = result.picture
    figures = measure(result, card)
    clean, attacked, scores = (path / name for name in file_names(picture.name).values())
    write(clean, picture.pixels)
    write(attacked, result.adversarial)
    answers = list(zip(result.scores, result.asked, strict=True))
    content = BytesIO()
    np.save(content, np.array(answers, ANSWER))
    with naming(scores):
        scores.write_bytes(content.getvalue())
    return PictureRecord(
        **asdict(figures),
        file=picture.file,
        notes=tuple(picture.notes),
        clean_pixels_sha256=picture.sha256,
        attacked_file_sha256=file_sha256(attacked),
        clean_file_sha256=file_sha256(clean),
        scores_file_sha256=file_sha256(scores),
        trace=result.trace,
        checkpoints=likeness(picture.pixels, result.checkpoints),
        fresh=result.fresh,
        place=None if result.place is None else astuple(result.place),
        edits=result.edits,
        steepness=result.steepness,
        **labels,
    )


def versions() -> dict[str, str]:
    """Return the versions of the packages that results depend on."""
    always = ("iqaudit", "numpy", "pillow", "scikit-image", "torch")
    compiler = compiler_version()
    return {package: version(package) for package in always} | (
        {COMPILER: compiler} if compiler else {}
    )


def libraries() -> dict[str, str]:
    """Return the versions of what is installed that victims may read or resize pictures with.

    Packages by their names, and what Pillow decodes with as ``pillow/jpg``.
    """
    found = {}
    for package in IMAGE_LIBRARIES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    decoders = ((name, features.version(name)) for name in PILLOW_DECODERS)
    return found | {f"pillow/{name}": value for name, value in decoders if value}


def write_record(file: Path, form: str | None, record: Any) -> None:
    """Write a record as JSON, with its checksum; see `iqaudit._runs.schema.as_json`."""
    write_whole(file, sealed(as_json(record, form)).encode())


def write_whole(file: Path, content: bytes) -> Path:
    """Write a file at one stroke, and return its path: it is there whole, or as it was."""
    part = file.with_name(file.name + PART)
    with naming(file):
        try:
            part.unlink(missing_ok=True)  # what an earlier start left, or a link to elsewhere
            with part.open("xb") as stream:
                stream.write(content)
        except OSError as error:
            error.filename = None  # the part's, which nobody knows of
            raise
    return part.replace(file)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what cannot be written into an `InputError` that says how to go on."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: this cannot be written ({error.strerror or error}). "
            "What was answered is kept: mend it, and the same command goes on."
        ) from None


@contextmanager
def tidied(folder: Path) -> Iterator[None]:
    """Remove what is made of a folder and those above it, where nothing comes into them."""
    made = [each for each in (folder, *absolute(folder).parents) if not each.exists()]
    try:
        yield
    finally:
        with suppress(OSError):  # the first that holds something
            for each in made:
                each.rmdir()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder.

    Raises
    ------
    InputError
        If another process is at work there.
    """
    file = os.open(folder, os.O_RDONLY)
    try:
        if not lock(file):
            raise InputError(f"{folder}: another iqaudit is at work in this folder.")
        yield
    finally:
        os.close(file)


def remove(path: Path) -> None:
    """Remove the run or the audit that a directory holds, and nothing that is not its own.

    The directory itself stays: `exclusive` holds it.

    Raises
    ------
    InputError
        If its files cannot be told, since its record cannot be read.
    """
    audit = manifest(path)
    if audit is not None:
        for cell in audit.cells:
            refuse_links(path / cell.folder)
        for cell in audit.cells:
            folder = path / cell.folder
            _remove_run(folder, audit.data.pictures)
            if folder != path:
                with suppress(OSError):  # it holds something else
                    folder.rmdir()
    elif (path / RESULTS).exists():
        _remove_run(path, [each.name for each in load(path).pictures])
    for name in (AUDIT, REPORT, CLEAN_ANSWERS, PROBE_ANSWERS, COSTS, *ANALYSES):
        (path / name).unlink(missing_ok=True)


def _remove_run(folder: Path, names: Iterable[str]) -> None:
    files = [file for name in names for file in file_names(name).values()]
    for file in (*files, RESULTS, REPORT, *ANALYSES):
        (folder / file).unlink(missing_ok=True)
    for name in (ANSWERS, ENTRIES):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in FILES:
        with suppress(OSError):
            (folder / name).rmdir()
