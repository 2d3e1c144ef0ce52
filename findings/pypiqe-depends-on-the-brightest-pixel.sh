#!/usr/bin/env bash
# pypiqe 1.2: one pixel moves the score of the whole picture, and noise improves it.
#
# Expected: a score of blocks, of which one pixel touches one; and a higher, worse score for noise, as PIQE's
# scale has it (0 is excellent, 100 bad).
# Happens: the picture is divided by its brightest pixel first. One white pixel in a picture that has none rescales all
# others, and every block's activity, which is compared with fixed limits, is another. Random signs
# of 3 levels, which nobody sees, make the score better by a third and more.
# Why it matters: one pixel is the cheapest attack that there is. And where noise alone is taken for
# quality, an attack must be held against random changes in both directions, or its figure says
# nothing of the attack.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() {
  "$work/venv/bin/pip" install -q --disable-pip-version-check "$@" 2>>"$work/pip.log"
}
# The package asks for OpenCV's build with windows; the one without does as well.
{ install numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 opencv-python-headless==5.0.0.93 \
    scikit-image==0.26.0 && install --no-deps pypiqe==1.2; } || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from pypiqe import piqe
from skimage import data

photo = data.astronaut()[:384]
dim = (photo * 0.7).astype(np.uint8)
white = dim.copy()
white[0, 0] = 255
signs = np.random.default_rng(0).choice([-3, 3], photo.shape)
noisy = np.clip(photo + signs, 0, 255).astype(np.uint8)
scores = {
    "a dim photograph": piqe(dim)[0],
    "one white pixel in it": piqe(white)[0],
    "the photograph": piqe(photo)[0],
    "random signs of 3 levels": piqe(noisy)[0],
}
for name, value in scores.items():
    print(f"{name:26} {value:.3f}")
plain, pixel, clean, signed = scores.values()
if abs(pixel - plain) > 1 and signed < 0.75 * clean:
    print("As stated: one pixel moves the score by more than 1 of 100, and noise improves it.")
else:
    print("Changed: the scores are not as stated.")
    sys.exit(1)
PY
