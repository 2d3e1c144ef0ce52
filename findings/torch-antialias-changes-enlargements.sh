#!/usr/bin/env bash
# torch 2.13.0: interpolate's antialias=True changes enlargements, in bicubic mode, by up to 20 levels.
#
# Expected: antialias matters where a picture is made smaller; where it is made larger there is nothing to smooth, and
# the flag changes nothing. So it is in bilinear mode, to the last digits.
# Happens: in bicubic mode the flag also chooses the curve: a = -.75 without it and a = -.5, as Pillow's, with
# it. Three photographs enlarged twofold or by half differ by up to 10 to 20 levels, 30 to 41 percent of their bytes
# do. Pillow's BICUBIC of floats is met to a hundredth of a level with the flag, and not without it.
# Why it matters: a victim's preparation that enlarges small pictures is another victim after "antialias=True", and so
# is one taken from Pillow to tensors without it: by more than the attacks measured, at sizes where nobody looks for
# it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 torch==2.13.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import torch
from PIL import Image
from skimage import data
from torch.nn.functional import interpolate

torch.set_num_threads(1)

def resized(picture, side, mode, antialias):
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None].double()
    larger = interpolate(batch, size=(side, side), mode=mode, align_corners=False, antialias=antialias)
    return larger[0].permute(1, 2, 0).numpy()

as_stated = True
for name, photo in {"astronaut": data.astronaut(), "coffee": data.coffee()[:400, :400], "cat": data.chelsea()[:300, :300]}.items():
    for factor in (2, 1.5):
        side = round(factor * len(photo))
        plain, smoothed = (resized(photo, side, "bicubic", antialias) for antialias in (False, True))
        bilinear = np.abs(resized(photo, side, "bilinear", False) - resized(photo, side, "bilinear", True)).max()
        pillow = np.stack([np.asarray(Image.fromarray(channel.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC))
                           for channel in photo.transpose(2, 0, 1)], -1)
        first, second = (np.clip(picture, 0, 255).round() for picture in (plain, smoothed))
        most, share = np.abs(plain - smoothed).max(), (first != second).mean()
        aside = [np.abs(pillow - picture).max() for picture in (plain, smoothed)]
        print(f"{name:10} times {factor}: bicubic with and without antialias up to {most:.1f} levels apart, {share:.0%} of the "
              f"bytes differ (bilinear: {bilinear:.1g}); from Pillow's BICUBIC of floats {aside[0]:.1f} without, {aside[1]:.1f} with")
        as_stated &= most > 3 and share > 0.1 and bilinear < 1e-6 and aside[1] < 0.01 and aside[0] > 3
if as_stated:
    print("As stated: antialias chooses another bicubic curve.")
else:
    print("Changed: antialias does not change enlargements as stated.")
    sys.exit(1)
PY
