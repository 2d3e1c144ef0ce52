#!/usr/bin/env bash
# pyssim 0.7.1: the SSIM of any two pictures with an opaque alpha channel is 1.
#
# Expected: a photograph as RGB and the same as RGBA, opaque everywhere, have the same SSIM to anything.
# Happens: of a picture with alpha the grey is set to 0 where alpha is 255: there the opaque, not the transparent, is
# left out. Of two opaque RGBA files two black squares are compared, and SSIM is 1: a photograph and its JPEG 10 (.8560
# as RGB), its negative (-.1279), another photograph (.2462). With an alpha of 254 everywhere the figures are those of
# RGB. The photograph as RGB and the same photograph as opaque RGBA have .1140.
# Why it matters: screenshots and what drawing programs write are opaque RGBA. A set of them is reported as kept
# perfectly, whatever was done to it; a set of both kinds has a mean that is about the files' modes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 PyWavelets==1.9.0 pyssim==0.7.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import numpy as np
import ssim
import ssim.utils
from PIL import Image
from skimage import data

def jpeg(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")

def alpha(picture, value):
    picture = picture.copy()
    picture.putalpha(value)
    return picture

kernel = ssim.utils.get_gaussian_kernel(11, 1.5)
photo = Image.fromarray(data.astronaut())
others = {"JPEG 10": jpeg(photo, 10), "the negative": Image.fromarray(255 - data.astronaut()),
          "another photograph": Image.fromarray(data.chelsea()).resize(photo.size)}
as_stated = True
for name, other in others.items():
    plain, opaque, nearly = (
        ssim.SSIM(change(photo), kernel).ssim_value(change(other))
        for change in (lambda picture: picture, lambda picture: alpha(picture, 255), lambda picture: alpha(picture, 254))
    )
    print(f"SSIM of a photograph and {name:18}: {plain:.4f} as RGB, {opaque:.4f} as opaque RGBA, "
          f"{nearly:.4f} with an alpha of 254")
    as_stated &= plain < 0.9 and opaque == 1 and abs(nearly - plain) < 1e-6
itself = ssim.SSIM(photo, kernel).ssim_value(alpha(photo, 255))
print(f"SSIM of the photograph as RGB and as opaque RGBA: {itself:.4f}")
if as_stated and itself < 0.2:
    print("As stated: opaque pictures are all alike to pyssim.")
else:
    print("Changed: opaque pixels count.")
    sys.exit(1)
PY
