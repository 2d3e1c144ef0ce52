#!/usr/bin/env bash
# torchmetrics 1.9.0: the universal image quality index of a photograph and itself is -514,531, or .86.
#
# Expected: 1. The index lies between -1 and 1, and is 1 for equal pictures; sewar 0.4.10 gives that.
# Happens: in regions that are flat (a dark or blown-out background, say) variance is a small difference of large
# numbers. What rounding leaves of it is divided by itself plus a constant of 1e-7 (2e-16 for doubles). Pixels of 0 to 1
# are drawn to 0 by that constant: of one photograph and itself the index is .86, of others .92 to .9987. Pixels of
# 0 to 255 are not: a negative rest is cut to 0 in the denominator alone, and a few pixels in flat ground outweigh the picture.
# In doubles it is worse (-26,005,883). The wild figure hangs on the processor, build and threads (-56,000 to -515,000 seen); that it is wild does not.
# Why it matters: .86 "of an attack" can be that of no change at all. Ask for the figure of a picture and
# itself first, and take sewar's where backgrounds are flat.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 sewar==0.4.10 torch==2.13.0 torchmetrics==1.9.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import torch
from sewar.full_ref import uqi
from skimage import data
from torchmetrics.functional.image import universal_image_quality_index

seen = {}
for name in ("astronaut", "rocket", "coffee", "chelsea"):
    photo = getattr(data, name)()
    bytes_ = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None]
    forms = {"floats of 0 to 1": bytes_.float() / 255, "floats of 0 to 255": bytes_.float(),
             "doubles of 0 to 255": bytes_.double()}
    for form, picture in forms.items():
        seen[name, form] = float(universal_image_quality_index(picture, picture))
    seen[name, "sewar"] = uqi(photo, photo)
    print(f"{name:9} and itself:", ", ".join(f"{form} {seen[name, form]:.4f}" for form in (*forms, "sewar")))
unit = [value for (_, form), value in seen.items() if form == "floats of 0 to 1"]
wild = max(abs(value) for (_, form), value in seen.items() if form.endswith("255"))
if min(unit) < 0.9 and max(unit) < 0.9999 and wild > 1000 and all(
        value > 1 - 1e-6 for (_, form), value in seen.items() if form == "sewar"):
    print("As stated: no photograph is equal to itself, and one is far outside of -1 to 1.")
else:
    print("Changed: the index of equal pictures is not as stated.")
    sys.exit(1)
PY
