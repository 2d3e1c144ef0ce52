#!/usr/bin/env bash
# piq 0.8.0: SSIM, FSIM, VSI, SR-SIM and MDSI jump where a picture's shorter side goes from 383 to 384 pixels.
#
# Expected: a picture with one row less has nearly the same figure: a row of 384 is a quarter of a percent of it.
# Happens: all five first average blocks of k by k pixels, where k is the shorter side over 256, rounded: 1 up to 383
# pixels, 2 from 384 to 639. What is fine grain is gone before anything is compared. Of random signs of 3 levels 1 - SSIM
# goes from .0633 to .0146, 1 - FSIM from .0101 to .0023; of JPEG 50 from .082 to .024 and from .034 to .006. With
# downsample=False, which SSIM alone has, nothing jumps.
# (The measures' authors advise the average for a picture seen from afar; here it is what happens by default.)
# Why it matters: a budget of "SSIM at least .95" forbids an attack on a picture of 383 rows and allows it, four times
# over, on one of 384. A mean over a data set of several sizes mixes two measures, and pictures cropped to 256 or
# 384 before the attack give tables that cannot be compared.
# (piq imports torchvision for its learned measures. They are not used, so an empty module stands in for it.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() {
  "$work/venv/bin/pip" install -q --disable-pip-version-check "$@" 2>>"$work/pip.log"
}
{ install numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 torch==2.13.0 && install --no-deps piq==0.8.0; } || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import types
import numpy as np
import torch
from PIL import Image
from skimage import data

absent = {name: types.ModuleType(name) for name in ("torchvision", "torchvision.models", "torchvision.models.utils")}
absent["torchvision"].models = models = absent["torchvision.models"]
models.vgg16 = models.vgg19 = absent["torchvision.models.utils"].load_state_dict_from_url = None
models.inception = types.SimpleNamespace(**{"Inception" + letter: torch.nn.Module for letter in "ABCDE"})
sys.modules.update(absent)
import piq

def tensor(picture):
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255

def jpeg(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=50, subsampling="4:4:4")
    return np.asarray(Image.open(file))

photo = data.astronaut()
signs = np.random.default_rng(0).choice([-3, 3], photo.shape)
changes = {"signs of 3 levels": np.clip(photo + signs, 0, 255).astype(np.uint8), "JPEG 50": jpeg(photo)}
measures = {
    "1 - SSIM": lambda one, other: 1 - piq.ssim(one, other),
    "1 - FSIM": lambda one, other: 1 - piq.fsim(one, other),
    "1 - VSI": lambda one, other: 1 - piq.vsi(one, other),
    "1 - SR-SIM": lambda one, other: 1 - piq.srsim(one, other),
    "MDSI": piq.mdsi,
    "1 - SSIM, downsample=False": lambda one, other: 1 - piq.ssim(one, other, downsample=False),
    "GMSD": piq.gmsd,
}
jumps = {}
for title, changed in changes.items():
    for name, measure in measures.items():
        at = {rows: float(measure(tensor(photo[:rows, :400]), tensor(changed[:rows, :400]))) for rows in (383, 384)}
        jumps[title, name] = at[383] / at[384]
        print(f"{title:18} {name:27} rows " + ", ".join(f"{rows}: {value:.5f}" for rows, value in at.items())
              + f"; 383 to 384 divides by {jumps[title, name]:.2f}")
still = ("1 - SSIM, downsample=False", "GMSD")
if all((0.99 < jump < 1.01) if name in still else jump > (1.3 if name == "MDSI" else 3)
       for (_, name), jump in jumps.items()):
    print("As stated: at 384 rows five measures are others.")
else:
    print("Changed: the measures do not jump as stated.")
    sys.exit(1)
PY
