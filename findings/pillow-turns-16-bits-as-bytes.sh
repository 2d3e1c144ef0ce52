#!/usr/bin/env bash
# Pillow 13.0.0: a 16-bit grey picture that is turned, moved or warped bilinearly or bicubically comes out as noise.
#
# Expected: rotate and transform interpolate a 16-bit picture's values, as resize does, or raise ValueError, as filter does.
# Happens: of mode I;16, which is what a 16-bit grey PNG or TIFF is opened in, BILINEAR and BICUBIC compute with bytes. A
# photograph turned by half a degree is off by 128 levels of 255 on average, with a correlation of .48; one that is only
# moved by half a pixel as well. A ramp of 300, 400, 500, ... moved by half a pixel is 22, 72, 72, 122, 122, 0. NEAREST
# and resize are right, and so is all of it of the same picture as mode I or F: within .002 levels.
# Why it matters: turning and warping by a little are how scorers and defences are tested and data are augmented, and depth
# maps, scans, medical and raw pictures are 16-bit grey. Mode, size, type and range stay as they were.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import numpy as np
from PIL import Image
from skimage import data

file = io.BytesIO()
Image.fromarray(data.camera().astype(np.uint16) * 257).save(file, "PNG")
photo = Image.open(file)
exact = photo.convert("F")  # floats, for the comparison
print("mode of a 16-bit grey PNG:", photo.mode)
ways = {
    "turned by 5 degrees": lambda picture, how: picture.rotate(5, how),
    "turned by 0.5 degrees": lambda picture, how: picture.rotate(0.5, how),
    "moved by half a pixel": lambda picture, how: picture.transform(picture.size, Image.Transform.AFFINE, (1, 0, 0.5, 0, 1, 0.5), how),
    "the middle, enlarged": lambda picture, how: picture.transform(picture.size, Image.Transform.EXTENT, (128, 128, 384, 384), how),
    "a perspective": lambda picture, how: picture.transform(picture.size, Image.Transform.PERSPECTIVE, (1, 0.02, 3, 0.01, 1, 2, 1e-5, 2e-5), how),
    "resized": lambda picture, how: picture.resize((300, 300), how),
}
off = {}
for name, way in ways.items():
    for how in (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC):
        got, want = way(photo, how), np.asarray(way(exact, how)).clip(0, 65535)
        assert got.mode == photo.mode
        other = np.asarray(way(photo.convert("I"), how)).clip(0, 65535)
        got = np.asarray(got).astype(float)
        off[name, how.name] = np.abs(got - want).mean() / 257, np.corrcoef(got.ravel(), want.ravel())[0, 1], np.abs(other - want).mean() / 257
        print(f"{name:22} {how.name:8}  I;16 off by {off[name, how.name][0]:8.3f} levels of 255 on average, correlation {off[name, how.name][1]:.3f}; as I {off[name, how.name][2]:.3f}")
ramp = Image.fromarray(np.tile(np.arange(300, 900, 100, dtype=np.uint16), (4, 1)))
print("a ramp", np.asarray(ramp)[1], "moved by half a pixel:", np.asarray(ways["moved by half a pixel"](ramp, Image.Resampling.BILINEAR))[1])
smooth = [name for name in off if name[1] != "NEAREST"]
turned, resized = [name for name in smooth if name[0] != "resized"], [name for name in smooth if name[0] == "resized"]
if (all(off[name][0] > 100 and off[name][1] < 0.6 for name in turned) and all(off[name][0] < 0.01 for name in resized)
        and all(value[0] < 0.1 for name, value in off.items() if name[1] == "NEAREST") and all(value[2] < 0.01 for value in off.values())):
    print("As stated: 16-bit pictures are turned as bytes.")
else:
    print("Changed: 16-bit pictures are not turned as stated.")
    sys.exit(1)
PY
