#!/usr/bin/env bash
# brisque 0.2.0: a chequerboard of 3 levels, which nobody sees, is scored 155.845, whatever the picture.
#
# Expected: a score between 0 (best) and 100, as the class says, that moves a little where the picture does.
# Happens: BRISQUE's features are scaled by the ranges of its training pictures and given to a support vector machine
# with a radial kernel. A chequerboard of 3 levels puts them so far outside that every kernel is 0, and what is left is the
# machine's constant, 155.845: the same for a photograph, for a grey picture with it, and for 5 or 16 levels. A
# mirror, which changes no quality, costs more than JPEG at quality 90. A flat grey picture is nan.
# Why it matters: a constant far outside of the range is no score, and an attack that reaches it ends there:
# "RGO 1" says that the machine was left, not that quality seemed bad. Declare the range, so
# that what lies outside counts as a failure.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.2.6 scipy==1.15.3 scikit-image==0.25.2 opencv-python-headless==4.12.0.88 libsvm-official==3.37.0 pillow==13.0.0 brisque==0.2.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import numpy as np
from brisque import BRISQUE
from PIL import Image
from skimage import data

score = BRISQUE(url=False).score
photo = data.astronaut()[:384]
board = 1 - 2 * (np.add.outer(np.arange(384), np.arange(512)) % 2)[..., None]
flat = np.full_like(photo, 128)

def chequered(picture, levels):
    return np.clip(picture.astype(int) + levels * board, 0, 255).astype(np.uint8)

file = io.BytesIO()
Image.fromarray(photo).save(file, "JPEG", quality=90)
scores = {
    "photograph": score(photo),
    "its mirror": score(photo[:, ::-1].copy()),
    "JPEG 90": score(np.asarray(Image.open(file))),
    **{f"chequerboard of {levels}": score(chequered(photo, levels)) for levels in (1, 2, 3, 5, 16)},
    "another picture, chequerboard of 3": score(chequered(data.coffee()[:384, :512], 3)),
    "a grey picture, chequerboard of 3": score(chequered(flat, 3)),
    "a grey picture": score(flat),
}
for name, value in scores.items():
    print(f"{name:36} {float(value):9.4f}")
constant = {round(float(value), 3) for name, value in scores.items() if name.endswith((" 3", " 5", " 16"))}
mirror, jpeg = (abs(scores[name] - scores["photograph"]) for name in ("its mirror", "JPEG 90"))
if constant == {155.845} and np.isnan(scores["a grey picture"]) and mirror > jpeg:
    print("As stated: out of range there is one score, and a mirror counts for more than JPEG 90.")
else:
    print("Changed: the scores are not as stated.")
    sys.exit(1)
PY
