#!/usr/bin/env bash
# image-similarity-measures 0.3.6: of 8-bit files PSNR is 24 dB too high, and the spectral angle is 0 or 88 degrees.
#
# Expected: files of 8 bits are measured as such, and a spectral angle of 0 means equal colours.
# Happens: the program and its evaluation() leave the largest value at 4095, for 12-bit satellite pictures, whatever they
# read: JPEG 5 has 48 dB and an SSIM of .98, more than JPEG 95 really has. The spectral angle (sam) multiplies bytes as bytes,
# so that products wrap at 256, and its mean is 88 degrees between photographs whose colours are 1 to 6 degrees apart; with a
# black pixel it is not a number, which is returned as 0, the best there is. issm looks for edges at a sixteenth of
# the levels, finds none in 8 bits, and is 0 of anything, a picture and itself included.
# Why it matters: 24.1 dB lie between a ruined picture and one nobody can tell, and a 0 that stands for "not a number" is
# taken for perfect. Call the functions with max_p=255, and with floats.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() {
  "$work/venv/bin/pip" install -q --disable-pip-version-check "$@" 2>>"$work/pip.log"
}
# The package asks for older NumPy, scikit-image and OpenCV, with windows; with them it says the same.
{ install numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 opencv-python-headless==5.0.0.93 phasepack==1.5 &&
    install --no-deps image-similarity-measures==0.3.6; } || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from image_similarity_measures.evaluate import evaluation
from image_similarity_measures.quality_metrics import psnr, sam
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

as_stated = True
for name in ("astronaut", "coffee"):
    photo = getattr(data, name)()[:288, :448]
    Image.fromarray(photo).save("photo.png")
    for quality in (95, 50, 5):
        Image.fromarray(photo).save("coded.jpg", quality=quality)
        coded = np.asarray(Image.open("coded.jpg"))
        Image.fromarray(coded).save("coded.png")
        said = evaluation("photo.png", "coded.png", ["psnr", "ssim", "sam", "issm"])
        decibels, similar = peak_signal_noise_ratio(photo, coded), structural_similarity(photo, coded, channel_axis=2)
        angle = float(sam(photo + 1.0, coded + 1.0))  # no pixel is black, where an angle has no meaning
        print(f"{name:9} JPEG {quality:2} evaluation():", ", ".join(f"{key} {value:.4f}" for key, value in said.items()))
        print(f"{'':17} psnr with max_p=255 {psnr(photo, coded, 255):.4f}, sam of floats {angle:.4f};"
              f" scikit-image: psnr {decibels:.4f}, ssim {similar:.4f}")
        as_stated &= abs(said["psnr"] - decibels - 24.114) < 0.01 and said["ssim"] > 0.97
        as_stated &= angle < 7 and (said["sam"] == 0 if name == "astronaut" else said["sam"] > 80)
itself = evaluation("photo.png", "photo.png", ["issm"])["issm"]
print(f"issm of a picture and itself: {itself}")
if as_stated and itself == said["issm"] == 0:
    print("As stated: bytes are measured as if they were 12 bits, and multiplied as bytes.")
else:
    print("Changed: bytes are not measured as stated.")
    sys.exit(1)
PY
