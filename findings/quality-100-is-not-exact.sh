#!/usr/bin/env bash
# AVIF, HEIF, JPEG XL and WebP at "quality 100": exact in one library, off by tens of levels in another.
#
# Expected: formats that can hold pixels exactly do so at the top of their scale, or the libraries that
# write them mean the same by 100.
# Happens: AVIF at 100 is exact from OpenCV 5.0.0 and imagecodecs 2026.3.6, and off by up to tens of levels from
# Pillow 13.0.0, which halves the colours' resolution unless told 4:4:4, and is not exact then either. HEIF
# from pillow-heif 1.8.1 at quality -1, its lossless mode, is off by as much; only with chroma 444 and matrix_coefficients=0
# is it exact. WebP at 100 is lossy in Pillow and OpenCV (whose 101 is lossless) and lossless in imagecodecs. JPEG XL from
# imagecodecs is exact by default and at 101, and not at 100 or distance=0, the number by which the
# format's own program is lossless.
# Why it matters: attacked pictures are kept by people who think 100 is enough. A change of 3 levels is
# drowned in an error of tens, and what was attacked is not what is scored.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 pillow-heif==1.8.1 opencv-python-headless==5.0.0.93 imagecodecs==2026.3.6 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import cv2
import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
y, x = np.mgrid[:192, :256]
waves = [np.sin(x / 9) + np.cos(y / 7), np.sin((x + y) / 11) * 2, np.cos(x * y / 900) * 2]
smooth = np.stack([128 + 45 * wave for wave in waves], axis=-1)
photo = np.clip(smooth + np.random.default_rng(0).normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)

def pillow(form, **options):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, form, **options)
    return np.asarray(Image.open(file).convert("RGB"))

def opencv(ending, *options):
    file = cv2.imencode(ending, photo[..., ::-1], list(options))[1]
    return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]

def codecs(name, **options):
    file = getattr(imagecodecs, name + "_encode")(photo, **options)
    return getattr(imagecodecs, name + "_decode")(file)

cases = [
    ("AVIF Pillow quality=100", pillow("AVIF", quality=100), "off"),
    ("AVIF Pillow quality=100, 4:4:4", pillow("AVIF", quality=100, subsampling="4:4:4"), "near"),
    ("AVIF OpenCV quality 100", opencv(".avif", cv2.IMWRITE_AVIF_QUALITY, 100), "exact"),
    ("AVIF imagecodecs level=100", codecs("avif", level=100), "exact"),
    ("HEIF pillow-heif quality=100", pillow("HEIF", quality=100), "off"),
    ("HEIF pillow-heif quality=-1", pillow("HEIF", quality=-1), "off"),
    ("HEIF pillow-heif quality=-1, chroma=444", pillow("HEIF", quality=-1, chroma=444), "near"),
    ("HEIF the same, matrix_coefficients=0", pillow("HEIF", quality=-1, chroma=444, matrix_coefficients=0), "exact"),
    ("WebP Pillow quality=100", pillow("WEBP", quality=100), "off"),
    ("WebP Pillow lossless=True", pillow("WEBP", lossless=True), "exact"),
    ("WebP OpenCV quality 100", opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 100), "off"),
    ("WebP OpenCV quality 101", opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 101), "exact"),
    ("WebP imagecodecs level=100", codecs("webp", level=100), "exact"),
    ("JPEG XL imagecodecs", codecs("jpegxl"), "exact"),
    ("JPEG XL imagecodecs level=100", codecs("jpegxl", level=100), "near"),
    ("JPEG XL imagecodecs distance=0", codecs("jpegxl", distance=0), "near"),
    ("JPEG XL imagecodecs level=101", codecs("jpegxl", level=101), "exact"),
]
as_stated = True
for title, pixels, expected in cases:
    most = int(np.abs(pixels.astype(int) - photo).max())
    found = "exact" if not most else "near" if most < 20 else "off"
    as_stated &= found == expected
    print(f"{title:42} at most {most:3} levels{'' if found == expected else ', not as stated'}")
if as_stated:
    print("As stated: 100 means as many things as there are libraries.")
else:
    print("Changed: some are not as stated.")
    sys.exit(1)
PY
