#!/usr/bin/env bash
# Pillow 13.0.0 (beside OpenCV 5.0.0.93): RGB -> YCbCr -> RGB, with no JPEG between, darkens.
#
# Expected: 8-bit YCbCr costs a rounding, so a level or so either way, with no direction; a second
# trip costs hardly anything more.
# Happens: nearly every pixel moves, up to 3 levels in a trip, and nearly always down: over all
# colours red and blue lose more than a level and a half on average. Every trip takes as
# much again: after twenty a noise picture is some twenty levels darker. Pillow cuts off the
# fraction where OpenCV rounds to nearest; OpenCV's twenty trips leave the mean where it was.
# Why it matters: a pipeline that treats luminance alone (convert, change Y, convert back) has spent
# a whole L-infinity budget of 3/255 before it changed anything, and a scorer sensitive to brightness
# sees a change that is the container's, not the attack's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import cv2
import numpy as np
from PIL import Image

def pillow(p):
    return np.asarray(Image.fromarray(p).convert("YCbCr").convert("RGB"))

def opencv(p):
    return cv2.cvtColor(cv2.cvtColor(p, cv2.COLOR_RGB2YCrCb), cv2.COLOR_YCrCb2RGB)

green, blue = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
once = {}
for name, trip in (("Pillow", pillow), ("OpenCV", opencv)):
    worst, total, count = 0, np.zeros(3), 0
    for red in range(0, 256, 5):
        p = np.dstack([np.full_like(green, red), green, blue])
        d = trip(p).astype(int) - p
        worst, total, count = max(worst, int(abs(d).max())), total + d.sum((0, 1)), count + d[..., 0].size
    once[name] = worst, (total / count).round(2).tolist()
    print(f"{name}: one trip, a grid over all colours: worst {worst} levels, mean change {once[name][1]}")
noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
drift = {}
for name, trip in (("Pillow", pillow), ("OpenCV", opencv)):
    p = noise
    for _ in range(20):
        p = trip(p)
    drift[name] = float((p.astype(int) - noise).mean())
    print(f"{name}: twenty trips of a noise picture: mean change {drift[name]:.2f} levels")
if once["Pillow"][0] == 3 and max(once["Pillow"][1]) < 0 and drift["Pillow"] < -10 and abs(drift["OpenCV"]) < 0.5:
    print("As stated: Pillow's trip goes down, every time.")
else:
    print("Changed: Pillow's trip no longer darkens as stated.")
    sys.exit(1)
PY
