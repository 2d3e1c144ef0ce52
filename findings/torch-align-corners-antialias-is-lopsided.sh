#!/usr/bin/env bash
# torch 2.13.0: interpolate with align_corners=True and antialias=True aligns no corners, and moves the picture.
#
# Expected: with align_corners=True the first and the last pixel stay where they are, and of a mirrored picture comes the
# mirrored result, with antialias as without.
# Happens: 0 to 9 made 4 wide is 1.25, 4, 7 and 8.67, not 0, 3, 6 and 9; made 20 wide it begins at 0 and ends at 8.74. A
# spot in the middle of 9 by 9 is made 5 by 5 with its center of mass at 1.75, where 2 is the middle. A photograph of 512
# pixels made 128, and its mirror image resized and mirrored back, are apart by up to 181 levels of 255 (bilinear) and
# 219 (bicubic); made 700 by up to 71 and 83. With either option alone they are apart by .006 and less.
# Why it matters: pictures and features that were resized so lie beside those they are compared with, by a part of a
# pixel that hangs on both sizes, and a picture and its mirror image get different scores by no fault of the network's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0 torch==2.13.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import torch
from skimage import data
from torch.nn.functional import interpolate

torch.set_num_threads(1)

def resized(picture, side, mode, **options):
    return interpolate(picture, size=(side, side), mode=mode, **options)

def lopsided(picture, side, mode, **options):
    """How far resizing a mirrored picture is from mirroring a resized one."""
    mirrored = resized(picture.flip(-1, -2), side, mode, **options).flip(-1, -2)
    return (mirrored - resized(picture, side, mode, **options)).abs().max().item()

ramp = torch.arange(10.0)[None, None, None].expand(1, 1, 10, 10)
ends = {}
for side in (4, 10, 20):
    for options in ({}, {"antialias": True}):
        line, mirrored = (resized(x, side, "bilinear", align_corners=True, **options)[0, 0, side // 2] for x in (ramp, ramp.flip(-1)))
        ends[side, len(options)] = line[0].item(), line[-1].item(), mirrored[0].item()
        print(f"0 to 9 made {side:2} wide, align_corners=True, {options}: begins with", *np.round(line[:4].numpy(), 2), "and ends with",
              *np.round(line[-1:].numpy(), 2), "; mirrored it ends with", *np.round(mirrored[:1].numpy(), 2))
spot = torch.zeros(1, 1, 9, 9)
spot[0, 0, 4, 4] = 1
small = resized(spot, 5, "bilinear", align_corners=True, antialias=True)[0, 0]
center = (small.sum(0) @ torch.arange(5.0) / small.sum()).item()
print(f"a spot in the middle of 9 by 9, made 5 by 5: its center of mass is at {center:.2f}, the middle is 2")
photo = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)[None].float()
apart = {}
for mode in ("bilinear", "bicubic"):
    for side in (128, 224, 700):
        for options in ({"align_corners": True, "antialias": True}, {"align_corners": True}, {"antialias": True}):
            apart[mode, side, *options] = value = lopsided(photo, side, mode, **options)
            print(f"512 to {side}, {mode:8} {options}: a mirrored photograph is off by up to {value:.3f} levels")
both = [value for case, value in apart.items() if len(case) == 4]
if (min(both) > 50 and max(value for value in apart.values() if value not in both) < 0.02 and abs(center - 1.75) < 1e-3
        and np.allclose(ends[4, 1], (1.25, 26 / 3, 7.75), atol=0.01) and np.allclose(ends[4, 0], (0, 9, 9), atol=1e-5)
        and np.allclose(ends[10, 1], (0, 9, 9), atol=1e-5)):
    print("As stated: together they align nothing.")
else:
    print("Changed: the two options together do not move a picture as stated.")
    sys.exit(1)
PY
