#!/usr/bin/env bash
# A TIFF whose zero is white, of 16 bits: negative or not, by library and flag, where of 8 bits most agree.
#
# Expected: a grey TIFF says whether 0 is black or white (PhotometricInterpretation, WhiteIsZero), and who reads
# the one depth rightly reads the other so.
# Happens: of 8 bits Pillow 13.0.0, OpenCV 5.0.0.93 and libvips 8.18.7 turn the values round, and show the photograph. Of
# 16 bits Pillow shows its negative, and so does OpenCV with IMREAD_UNCHANGED or IMREAD_ANYDEPTH; with IMREAD_GRAYSCALE
# and IMREAD_COLOR it shows the photograph, in 8 bits, and libvips does in 16. tifffile 2026.3.3, and imageio 2.38.1 and
# scikit-image 0.26.0 by it, show negatives of both.
# Why it matters: scans and radiographs are stored so. A set of both depths has negatives among its photographs after
# Pillow; OpenCV's two readings of one file are each other's negative. A negative's score is a number as any other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 imageio==2.38.1 \
  tifffile==2026.3.3 opencv-python-headless==5.0.0.93 pyvips==3.2.0 pyvips-binary==8.18.7 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import cv2
import imageio.v3
import numpy as np
import pyvips
import skimage.io
import tifffile
from PIL import Image
from skimage import data

photo = data.camera()
shown = {8: photo, 16: photo.astype(np.uint16) * 257}
for bits, picture in shown.items():
    tifffile.imwrite(f"{bits}.tif", np.iinfo(picture.dtype).max - picture, photometric="miniswhite")
readers = {
    "Pillow": lambda path: np.asarray(Image.open(path)),
    "OpenCV IMREAD_UNCHANGED": lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED),
    "OpenCV IMREAD_GRAYSCALE": lambda path: cv2.imread(path, cv2.IMREAD_GRAYSCALE),
    "OpenCV IMREAD_COLOR": lambda path: cv2.imread(path, cv2.IMREAD_COLOR)[..., 0],
    "OpenCV GRAYSCALE, ANYDEPTH": lambda path: cv2.imread(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH),
    "libvips": lambda path: pyvips.Image.new_from_file(path).numpy(),
    "tifffile": tifffile.imread,
    "imageio": imageio.v3.imread,
    "scikit-image": skimage.io.imread,
}
seen = {}
for name, read in readers.items():
    pictures = {bits: read(f"{bits}.tif") for bits in shown}
    seen[name] = tuple(round(float(np.corrcoef(picture.ravel(), shown[bits].ravel())[0, 1]), 2) for bits, picture in pictures.items())
    print(f"{name:27} correlation with the photograph:", ", ".join(
        f"{value:5.2f} of {bits} bits (as {pictures[bits].dtype})" for bits, value in zip(shown, seen[name], strict=True)))
expected = dict.fromkeys(readers, (-1, -1)) | dict.fromkeys(("libvips", "OpenCV IMREAD_GRAYSCALE", "OpenCV IMREAD_COLOR"), (1, 1))
expected |= dict.fromkeys(("Pillow", "OpenCV IMREAD_UNCHANGED", "OpenCV GRAYSCALE, ANYDEPTH"), (1, -1))
if seen == expected:
    print("As stated: whether it is a negative hangs on its bits, the library and the flag.")
else:
    print("Changed: white is not zero for those stated.")
    sys.exit(1)
PY
