#!/usr/bin/env bash
# colour-science 0.4.7 (imageio 2.38.1): write_image by Imageio turns what is a little over white black, and under black white.
#
# Expected: floats of 0 to 1 are written as bytes, and what lies outside is clipped, as by OpenImageIO, the other method
# of the same function.
# Happens: the floats are multiplied, rounded and cast, and the cast wraps: 1.0019 is 255, 1.002 is 0 and 1.5 is 126; -.003
# is 255. A photograph with 4 levels added to or taken from each value and not clipped has 8 percent of its values wrong,
# by up to 255 levels, and is 11.1 dB from the file of OpenImageIO; sharpened it is 14.7 dB from it, and enlarged
# bicubically 24.1. Those files are within a level of the clipped floats. uint16 wraps likewise (1.002 is 130).
# Why it matters: attacked, sharpened and enlarged pictures go beyond white and black by a trace, which here is the worst
# error that a byte can have: black dots in the lights and white ones in the shadows.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 imageio==2.38.1 scikit-image==0.26.0 \
  colour-science==0.4.7 OpenImageIO==3.2.2.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - 2>"$work/warnings.log" <<'PY'
import sys
import colour
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data, transform

def written(picture, method):
    colour.write_image(picture, "picture.png", bit_depth="uint8", method=method)
    return np.asarray(Image.open("picture.png")).astype(int)

greys = np.array([-0.01, -0.003, 0, 0.5, 1, 1.0019, 1.002, 1.01, 1.5])
print("floats        ", *greys)
rows = {}
for method in ("Imageio", "OpenImageIO"):
    rows[method] = written(np.tile(greys[None, :, None], (8, 1, 3)), method)[0, :, 0].tolist()
    print(f"by {method:11}", *rows[method])
print("as uint16     ", *colour.io.convert_bit_depth(greys, "uint16"))
photo = data.astronaut() / 255
pictures = {
    "the photograph": photo,
    "4 levels up or down": photo + np.random.default_rng(0).choice([-4, 4], photo.shape) / 255,
    "sharpened": photo + 0.5 * (photo - gaussian_filter(photo, (1.5, 1.5, 0))),
    "enlarged bicubically": transform.resize(photo, (768, 768), order=3, clip=False),
}
seen = {}
for name, picture in pictures.items():
    exact = picture.clip(0, 1) * 255
    files = {method: written(picture, method) for method in ("Imageio", "OpenImageIO")}
    wrong = np.abs(files["Imageio"] - exact) > 1
    off = {method: np.abs(file - exact).max() for method, file in files.items()}
    error = ((files["Imageio"] - files["OpenImageIO"]) ** 2).mean()
    seen[name] = wrong.mean(), off["Imageio"], off["OpenImageIO"]
    print(f"{name:20} by Imageio {wrong.mean():6.2%} of the values are off by more than a level, at most {off['Imageio']:.1f}; "
          f"by OpenImageIO at most {off['OpenImageIO']:.2f}; PSNR of the files {10 * np.log10(255**2 / error) if error else np.inf:.1f} dB")
others = [values for name, values in seen.items() if name != "the photograph"]
if (rows["Imageio"] == [253, 255, 0, 128, 255, 255, 0, 2, 126] and rows["OpenImageIO"][-4:] == [255] * 4 and seen["the photograph"][1] < 1
        and all(share > 0.003 and most > 250 and clipped < 1.01 for share, most, clipped in others)):
    print("As stated: a trace over white is black.")
else:
    print("Changed: what is over white is not written as stated.")
    sys.exit(1)
PY
