#!/usr/bin/env bash
# scikit-image 0.26.0: denoise_bilateral of a 16-bit picture is a plain blur, whatever sigma_color.
#
# Expected: the picture is made a float of 0 to 1 first, as by its sisters denoise_tv_chambolle and
# denoise_wavelet, so bytes, 16 bits and floats of the same picture give the same; and a small sigma_color keeps edges.
# Happens: the table of weights over colour spans the largest value before the conversion (65535) and has 10,000
# steps, so one step is six and a half times the whole range after it: every colour is as near as the pixel's own. With sigma_color
# from .005 to 10 the result is one and the same, edges move by 188 of 255 levels against floats, and the picture
# by 11 levels on average instead of 1. Bytes have 40 steps: at sigma_color=.01 edges are off by 16 levels.
# Why it matters: it is a usual defence and a usual distortion. Of 16-bit files it is another filter, of bytes
# a coarse one: hand it floats.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from skimage import data
from skimage.restoration import denoise_bilateral, denoise_tv_chambolle

photo = data.camera()[100:228, 100:228]
kinds = {"floats": photo / 255, "bytes": photo, "16 bits": photo.astype(np.uint16) * 257}

def filtered(how, **options):
    return {kind: 255 * how(picture, **options) for kind, picture in kinds.items()}

def gap(one, other):
    return float(np.abs(one - other).max())

sisters = filtered(denoise_tv_chambolle)
same = max(gap(sisters["floats"], sisters[kind]) for kind in kinds)
print(f"denoise_tv_chambolle: bytes and 16 bits are off floats by at most {same:.4f} levels")
results = {sigma: filtered(denoise_bilateral, sigma_color=sigma, sigma_spatial=1) for sigma in (0.005, 0.01, 0.1, 10)}
for sigma, result in results.items():
    print(f"denoise_bilateral, sigma_color={sigma:<5}:",
          "; ".join(f"{kind} move by {np.abs(pixels - photo).mean():6.3f} on average" for kind, pixels in result.items()))
    print(f"    off floats by at most: bytes {gap(result['bytes'], result['floats']):.1f} levels, "
          f"16 bits {gap(result['16 bits'], result['floats']):.1f}")
deep = [result["16 bits"] for result in results.values()]
spread = max(gap(deep[0], other) for other in deep)
print(f"16 bits: over all four sigma_color the result differs by at most {spread:.4f} levels")
fine = results[0.01]
if same < 0.01 and spread < 0.01 and gap(fine["16 bits"], fine["floats"]) > 100 and gap(fine["bytes"], fine["floats"]) > 10:
    print("As stated: of 16 bits sigma_color does nothing, of bytes it is coarse.")
else:
    print("Changed: the filter does not differ as stated.")
    sys.exit(1)
PY
