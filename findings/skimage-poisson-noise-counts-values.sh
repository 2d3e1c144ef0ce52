#!/usr/bin/env bash
# scikit-image 0.26.0: random_noise(mode="poisson") sets the noise by how many different values the picture has.
#
# Expected: the same scene gets the same shot noise, in bytes, in 16 bits or in floats.
# Happens: the photons of full brightness are the number of different values in the array, rounded up to a power of
# two. A photograph in bytes gets noise of 10.5 levels (PSNR 27.7 dB). Halved by the package's own resize, which gives
# floats of 178,616 values, it gets a third of a level (57.7 dB); the same floats as bytes 10.5 levels again; in 16
# levels 37 (16.7 dB), in two 97 (8.3 dB). Of the photograph in floats one value in 786,432, set between two levels,
# takes the noise from 27.7 to 30.7 dB.
# Why it matters: "Poisson noise" in a table of distortions is invisible or ruinous by the picture's type and history.
# A picture after an attack in floats has all its values apart, so that noise as a defence has a thousandth of the
# power against it that it has against the clean picture in bytes.
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
from skimage import data, transform, util

def quality(picture):
    clean = util.img_as_float(picture)
    noisy = util.random_noise(picture, mode="poisson", rng=0)
    return -10 * np.log10(((noisy - clean) ** 2).mean()), 255 * (noisy - clean).std()

photo = data.astronaut()
resized = transform.resize(photo, (256, 256), anti_aliasing=True)
pictures = {
    "a photograph in bytes": photo,
    "halved, in floats": resized,
    "halved, in 16 bits": util.img_as_uint(resized),
    "halved, in bytes": util.img_as_ubyte(resized),
    "the photograph in 16 levels": photo // 17 * 17,
    "the photograph in 2 levels": np.where(photo > 127, 170, 85).astype(np.uint8),
}
seen = {}
for name, picture in pictures.items():
    seen[name], deviation = quality(picture)
    print(f"{name:28} {len(np.unique(picture)):7,} values: noise of {deviation:6.2f} levels, PSNR {seen[name]:5.2f} dB")
one = photo.astype(float) / 255
before, _ = quality(one)
one[0, 0, 0] = 0.5  # no multiple of 1/255: the 257th value
after, _ = quality(one)
print(f"the photograph in floats: PSNR {before:.2f} dB; with one value of {one.size:,} set between two levels: {after:.2f} dB")
if seen["halved, in floats"] - seen["halved, in bytes"] > 25 and after - before > 2.5 and seen["the photograph in 16 levels"] < 18:
    print("As stated: the number of different values sets the noise.")
else:
    print("Changed: the noise does not depend on the number of values as stated.")
    sys.exit(1)
PY
