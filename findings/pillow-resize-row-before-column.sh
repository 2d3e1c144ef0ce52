#!/usr/bin/env bash
# Pillow 13.0.0: bicubic and Lanczos resizing of 8-bit pictures is not symmetric in rows and columns.
#
# Expected: the filter is separable, so resizing a transposed picture gives the transposed result,
# but for a rounding of one level at most; and an 8-bit result is the floating-point result of the
# same filter (mode "F"), rounded and cut to 0..255.
# Happens: the horizontal pass comes first and its result is rounded and cut to 8 bits before the
# vertical pass. Both filters overshoot at edges; what overshot is cut away between the passes, in
# one direction only. At black-and-white detail the order of the axes moves pixels by a dozen
# levels and more. Triangle and box filters have no negative lobes, and stay within a level.
# Why it matters: a scorer that resizes before its network sees a picture and its quarter turn as
# different inputs, by several times an L-infinity budget of 3/255; and a reimplementation in floats
# (a differentiable one for a white-box attack, say) is wrong exactly at strong edges, however well
# its kernel was copied.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from PIL import Image

y, x = np.mgrid[:64, :64]
disc = np.where((y - 31) ** 2 + (x - 31) ** 2 < 400, 255, 0).astype(np.uint8)
checks = ((y // 3 + x // 3) % 2 * 255).astype(np.uint8)

def shrink(pixels, how):
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((48, 48), how))

def gap(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())

seen = {}
for title, picture in (("disc", disc), ("checks of 3", checks)):
    for how in (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS):
        small = shrink(picture, how)
        turned = gap(small, shrink(picture.T, how).T)
        floats = np.clip(np.rint(shrink(picture.astype(np.float32), how)), 0, 255)
        seen[title, how.name] = turned
        print(f"{title:12} {how.name:9} against its transpose: {turned:3} levels;"
              f" against mode F, rounded and cut: {gap(small, floats):3}")
if all(seen[t, "BILINEAR"] <= 1 and min(seen[t, "BICUBIC"], seen[t, "LANCZOS"]) > 5
       for t in ("disc", "checks of 3")):
    print("As stated: the axes' order shows, for the filters that overshoot.")
else:
    print("Changed: the axes' order no longer shows as stated.")
    sys.exit(1)
PY
