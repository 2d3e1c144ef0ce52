#!/usr/bin/env bash
# NumPy 2.4.6: the mean by channel of a float32 photograph is off by levels; the mean of all of it is exact.
#
# Expected: NumPy adds in pairs, so that float32 is good to six digits for a photograph of 12 million pixels.
# (numpy.mean's documentation warns of float32; that the order of the axes decides is said in numpy.sum's alone.)
# Happens: it adds in pairs only along the fastest axis. Over rows and columns of a picture with channels last the sums
# of each colour grow pixel by pixel, and what is added is rounded to the last digit of a sum of millions. A photograph
# with 3 levels added or taken away everywhere has a mean square of 9; by channel it is 8.148, the PSNR .43 dB too
# good. The mean red is 144.0 for 141.6. With mean(), with channels first or with dtype=float all is exact.
# Why it matters: large pictures get better figures than small ones for the same change, in red other than in blue; and
# the mean colour that a model's input is normalised by is off by more than the attacks measured.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from skimage import data

photo = np.tile(data.astronaut(), (6, 8, 1)).astype(np.float32)  # 3072 by 4096 pixels
noisy = photo + np.random.default_rng(0).choice(np.float32([-3, 3]), photo.shape)
squares = (photo - noisy) ** 2
print(f"a photograph of {photo.shape[0]} by {photo.shape[1]} pixels and itself with 3 levels added or taken away everywhere")
by_channel, whole, exact = squares.mean((0, 1)), squares.mean(), squares.mean((0, 1), dtype=float)
gain = 10 * np.log10(exact / by_channel)
print("mean square by channel:", *by_channel, "in float32,", *exact, "in float64; of all at once", whole)
print(f"PSNR by channel is {gain.max():.2f} dB too good")
wrong, right = photo.mean((0, 1)), photo.mean((0, 1), dtype=float)
print("mean colour:", *wrong.round(2), "in float32,", *right.round(2), "in float64")
planes = photo.transpose(2, 0, 1).copy().mean((1, 2))
print("mean colour, channels first:", *planes.round(2))
if abs(whole - 9) < 0.001 and gain.max() > 0.3 and np.abs(wrong - right).max() > 1 and np.abs(planes - right).max() < 0.01:
    print("As stated: the mean over rows and columns of floats, channels last, is off.")
else:
    print("Changed: the mean by channel is not off as stated.")
    sys.exit(1)
PY
