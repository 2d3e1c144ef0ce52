#!/usr/bin/env bash
# SSIM of one pair of pictures in four programs: the dissimilarity differs by a factor of two.
#
# Expected: one number for two pictures, as the name of the measure is one.
# Happens: scikit-image 0.26.0 by default takes a square window of 7 pixels and an unbiased covariance; with the
# paper's Gaussian window it gives another figure, and of the grey picture a third. sewar 0.4.10, SSIM-PIL 1.0.14
# and pyssim 0.7.1 give theirs. Floats of 0 to 255 with data_range=1, a common slip, are measured without a
# word.
# Why it matters: papers compare how visible attacks are by SSIM of .92 or .95, which is the span of one
# pair between programs. A figure is worth its definition: window, channels, range.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 sewar==0.4.10 SSIM-PIL==1.0.14 pyssim==0.7.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from PIL import Image
from sewar.full_ref import ssim as sewar
from skimage.metrics import structural_similarity as skimage
from ssim import SSIM
from ssim.utils import get_gaussian_kernel
from SSIM_PIL import compare_ssim

y, x = np.mgrid[:192, :256]
waves = [np.sin(x / 9) + np.cos(y / 7), np.sin((x + y) / 11) * 2, np.cos(x * y / 900) * 2]
smooth = np.stack([128 + 45 * wave for wave in waves], axis=-1)
photo = np.clip(smooth + np.random.default_rng(0).normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
signs = np.random.default_rng(1).choice([-3, 3], photo.shape)
attacked = np.clip(photo + signs, 0, 255).astype(np.uint8)
one, other = Image.fromarray(photo), Image.fromarray(attacked)
grey, attacked_grey = (np.asarray(each.convert("L")) for each in (one, other))
paper = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
figures = {
    "scikit-image, as it is": skimage(photo, attacked, channel_axis=2),
    "scikit-image, as the paper": skimage(photo, attacked, channel_axis=2, **paper),
    "scikit-image, as the paper, grey": skimage(grey, attacked_grey, **paper),
    "scikit-image, floats, data_range=1": skimage(photo * 1.0, attacked * 1.0, channel_axis=2, data_range=1),
    "sewar": sewar(photo, attacked)[0],
    "SSIM-PIL": compare_ssim(one, other, GPU=False),
    "pyssim": SSIM(one, get_gaussian_kernel(11, 1.5)).ssim_value(other),
}
for name, value in figures.items():
    print(f"{name:36} {float(value):.4f}")
del figures["scikit-image, floats, data_range=1"]
gaps = [1 - float(value) for value in figures.values()]
if max(gaps) > 2 * min(gaps) and len({round(gap, 4) for gap in gaps}) >= 5:
    print(f"As stated: 1 - SSIM of one pair is {min(gaps):.4f} to {max(gaps):.4f}.")
else:
    print("Changed: the programs do not differ as stated.")
    sys.exit(1)
PY
