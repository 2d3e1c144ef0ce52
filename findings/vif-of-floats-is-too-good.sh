#!/usr/bin/env bash
# VIF in torchmetrics 1.9.0 and sewar 0.4.10, and OpenCV 5.0.0's measures: floats of 0 to 1 come out far too good.
#
# Expected: a measure that takes floats takes them as its neighbours in the library do, 0 to 1, or knows their range;
# scaling both pictures changes nothing that it says.
# Happens: the constants are for pixels of 0 to 255, and no argument says otherwise. Visual information fidelity of
# JPEG 50 is .47 to .58 of bytes, and .90 to .95 of the same pictures as floats of 0 to 1, in both libraries, which agree to
# four decimals: JPEG 10 of floats looks better than JPEG 95 of bytes in two photographs of three. In OpenCV, PSNR gains
# 48.1 dB, and the quality module's SSIM of JPEG 10 is .9999 and its GMSD below .0001. sewar's SSIM and PSNR, and
# torchmetrics' SSIM, say the same of both.
# Why it matters: tensors of 0 to 1 are what scorers and attacks use, and a call that is right for SSIM is wrong for VIF.
# A "VIF of .95 after the attack" may be of a picture that lost half of its information.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 opencv-contrib-python-headless==5.0.0.93 sewar==0.4.10 torch==2.13.0 torchmetrics==1.9.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import cv2
import numpy as np
import sewar
import torch
from PIL import Image
from skimage import data
from torchmetrics.functional.image import structural_similarity_index_measure, visual_information_fidelity

def tensor(picture):
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()

def tm_ssim(one, other):
    return structural_similarity_index_measure(tensor(other), tensor(one))

measures = {
    "torchmetrics VIF": lambda one, other: visual_information_fidelity(tensor(other), tensor(one)),
    "sewar VIF": sewar.vifp,
    "OpenCV PSNR": cv2.PSNR,
    "OpenCV quality SSIM": lambda one, other: np.mean(cv2.quality.QualitySSIM_compute(one, other)[0][:3]),
    "OpenCV quality GMSD": lambda one, other: np.mean(cv2.quality.QualityGMSD_compute(one, other)[0][:3]),
    "torchmetrics SSIM": tm_ssim,
    "sewar SSIM": lambda one, other: sewar.ssim(one, other)[0],
    "sewar PSNR": sewar.psnr,
}
seen = {}
for name in ("astronaut", "coffee", "chelsea"):
    photo = getattr(data, name)()[:288, :448]
    for quality in (95, 50, 10):
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "JPEG", quality=quality)
        coded = np.asarray(Image.open(file))
        for title, measure in measures.items():
            bytes_, floats = float(measure(photo, coded)), float(measure(photo / 255, coded / 255))
            seen[name, quality, title] = bytes_, floats
            print(f"{name:9} JPEG {quality:2} {title:20} bytes {bytes_:9.5f}, floats of 0 to 1 {floats:9.5f}")

def gaps(title):
    return [(bytes_, floats) for (_, _, other), (bytes_, floats) in seen.items() if other == title]

fidelity = gaps("torchmetrics VIF") + gaps("sewar VIF")
worst_above_best = sum(seen[name, 10, "sewar VIF"][1] > seen[name, 95, "sewar VIF"][0] for name in ("astronaut", "coffee", "chelsea"))
if (all(floats - bytes_ > 0.15 for bytes_, floats in fidelity) and worst_above_best == 2
        and all(abs(floats - bytes_ - 48.131) < 0.01 for bytes_, floats in gaps("OpenCV PSNR"))
        and min(floats for _, floats in gaps("OpenCV quality SSIM")) > 0.9998
        and max(floats for _, floats in gaps("OpenCV quality GMSD")) < 0.0001
        and all(abs(floats - bytes_) < 1e-3 for title in ("torchmetrics SSIM", "sewar SSIM", "sewar PSNR") for bytes_, floats in gaps(title))):
    print("As stated: floats of 0 to 1 are taken for nearly equal pictures.")
else:
    print("Changed: floats are not measured as stated.")
    sys.exit(1)
PY
