#!/usr/bin/env bash
# Halving a picture in bytes brightens it: by half a level in Pillow, PyTorch and libvips, by 2.3 to 2.5 after five times.
#
# Expected: a mean of four bytes, rounded once, is off by an eighth of a level on average (halves go up), or by none.
# Happens: Pillow 13.0.0's resize with BOX, PyTorch 2.13.0's interpolate of uint8 (bilinear without antialias, which is
# the same mean at half the size) and libvips 8.18.7's shrink average one direction first and then the other, and each
# rounds its halves up: four times as much. Pillow's reduce(2) and OpenCV 5.0.0's INTER_AREA and INTER_LINEAR round once.
# Floats in PyTorch are exact; uint8 with antialias is another filter, off by an eighth.
# Why it matters: the shift goes one way, in every pixel, and adds up over a pyramid: 2.3 levels after five
# halvings are most of a budget of 3, and nothing was attacked. Measures of several scales are to be
# computed in floats, and thumbnails are not comparable between these libraries to a level.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 scikit-image==0.26.0 opencv-python-headless==5.0.0.93 torch==2.13.0 pyvips==3.2.0 pyvips-binary==8.18.7 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import cv2
import numpy as np
import pyvips
import torch
from PIL import Image
from skimage import data

def pillow(picture):
    height, width, _ = picture.shape
    return np.asarray(Image.fromarray(picture).resize((width // 2, height // 2), Image.Resampling.BOX))

def opencv(how):
    return lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=how)

def pytorch(**options):
    def half(picture):
        batch = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
        return torch.nn.functional.interpolate(batch, scale_factor=0.5, mode="bilinear", **options)[0].permute(1, 2, 0).numpy()

    return half

halvings = {
    "Pillow resize BOX": pillow,
    "PyTorch interpolate, uint8": pytorch(),
    "libvips shrink": lambda picture: pyvips.Image.new_from_array(picture).shrink(2, 2).numpy(),
    "Pillow reduce": lambda picture: np.asarray(Image.fromarray(picture).reduce(2)),
    "OpenCV INTER_AREA": opencv(cv2.INTER_AREA),
    "OpenCV INTER_LINEAR": opencv(cv2.INTER_LINEAR),
    "PyTorch, uint8, antialias": pytorch(antialias=True),
    "PyTorch interpolate, floats": pytorch(),
}
photos = {"astronaut": data.astronaut(), "coffee": data.coffee()[:384, :576]}
shifts = {}
for photo_name, photo in photos.items():
    for name, half in halvings.items():
        picture, means = photo.astype(np.float32) if name.endswith("floats") else photo, []
        for _ in range(5):
            picture = half(picture)
            means.append(float(picture.mean(dtype=np.float64) - photo.mean()))
        shifts[photo_name, name] = means
        print(f"{photo_name:9} {name:28}", "brighter after 1 to 5 halvings by", " ".join(f"{mean:+.3f}" for mean in means))
two = ("Pillow resize BOX", "PyTorch interpolate, uint8", "libvips shrink")
if all(means[0] > 0.4 and means[4] > 2 if name in two else means[0] < 0.16 and means[4] < 0.7
       for (_, name), means in shifts.items()):
    print("As stated: three round twice, and every halving brightens.")
else:
    print("Changed: the halvings do not brighten as stated.")
    sys.exit(1)
PY
