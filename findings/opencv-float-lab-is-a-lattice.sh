#!/usr/bin/env bash
# OpenCV 5.0.0.93 (beside scikit-image 0.26.0): Lab of float32 pictures is computed on a coarse lattice.
#
# Expected: float32 in, float32 out: Lab as exact as floats are, and a neutral grey has a = b = 0.
# Happens: a ramp of 20,001 greys comes back in 513 different values of L, with steps in a of
# 1/64; greys get an a of up to 1/8, and L is off by up to a quarter against scikit-image. The float
# path cuts the colour to whole numbers and looks it up in a table of 33 steps a channel.
# Why it matters: a colour-difference budget (Delta E in Lab) or an attack that moves in Lab by small steps
# sees most of its steps answered by no change at all, numerical gradients are zero or far too large,
# and "float" promises what is not there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scikit-image==0.26.0 opencv-python-headless==5.0.0.93 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import cv2
import numpy as np
from skimage.color import rgb2lab

ramp = np.repeat(np.linspace(0, 1, 20001, dtype=np.float32)[None, :, None], 3, 2)
opencv, skimage = cv2.cvtColor(ramp, cv2.COLOR_RGB2Lab)[0], rgb2lab(ramp)[0]
values = {"OpenCV": len(np.unique(opencv[:, 0])), "scikit-image": len(np.unique(skimage[:, 0]))}
print("a ramp of 20001 float32 greys; different values of L:", values)
print("OpenCV's values of a for greys:", np.unique(opencv[:, 1]).tolist())
off = np.abs(opencv - skimage).max(0)
print("largest differences from scikit-image in L, a, b:", off.round(3).tolist())
if opencv.dtype == np.float32 and values["OpenCV"] < 1000 < values["scikit-image"] and off[0] > 0.1:
    print("As stated: a float32 result, on a lattice.")
else:
    print("Changed: OpenCV's float Lab is finer than stated.")
    sys.exit(1)
PY
