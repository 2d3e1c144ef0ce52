#!/usr/bin/env bash
# sewar 0.4.10: MS-SSIM of a colour picture averages red, green and blue with each other, and hangs on their order.
#
# Expected: the scales below the first are halved in rows and columns, channel by channel; the order of the channels
# does not matter, as it does not for sewar's SSIM.
# Happens: the filter before the halving is 2 wide in all three axes, so that a channel is averaged with its
# neighbour in the array, and again at each scale. A change of green against blue is averaged away: 1 - MS-SSIM is a
# seventh to an eighth of the mean over the channels taken one by one. The same change with the channels listed as B, G, R
# counts four to six times as much. Changes that are alike in all channels, and grey pictures, are measured about right.
# Why it matters: an attack that pushes channels apart, as sign attacks do, looks several times less visible than it is;
# and what OpenCV reads (BGR) is measured otherwise than what Pillow reads (RGB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 sewar==0.4.10 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from scipy.ndimage import gaussian_filter
from sewar.full_ref import msssim, ssim
from skimage import data

def lost(measure, photo, changed, order):
    value = measure(*(np.ascontiguousarray(each[..., order]) for each in (photo, changed)))
    return 1 - float(value[0] if isinstance(value, tuple) else value)

seen = {}
for name in ("astronaut", "chelsea"):
    photo = np.clip(getattr(data, name)()[:192, :256], 30, 225)
    patches = gaussian_filter(np.random.default_rng(0).normal(size=photo.shape[:2]), 3)[..., None]
    patches *= 6 / patches.std()
    for title, weights in (("all alike", (1, 1, 1)), ("green against blue", (0, 1, -1)), ("red against green", (1, -1, 0))):
        pair = photo, np.rint(photo + patches * weights).clip(0, 255).astype(np.uint8)
        one_by_one = np.mean([lost(msssim, *pair, channel) for channel in range(3)])
        rgb, bgr, grb = (lost(msssim, *pair, order) for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]))
        turned = lost(ssim, *pair, [1, 0, 2]) / lost(ssim, *pair, [0, 1, 2])
        seen[name, title] = one_by_one / rgb, grb / rgb, turned
        print(f"{name:9} {title:18} 1 - MS-SSIM: RGB {rgb:.5f}, BGR {bgr:.5f}, GRB {grb:.5f}, "
              f"channels one by one {one_by_one:.5f}; GRB over RGB {grb / rgb:.2f}, of 1 - SSIM {turned:.2f}")
if all(shares[0] > 4 and shares[1] > 3 for (_, title), shares in seen.items() if title == "green against blue") and all(
        0.8 < shares[0] < 1.25 for (_, title), shares in seen.items() if title == "all alike") and all(
        abs(shares[2] - 1) < 1e-6 for shares in seen.values()):
    print("As stated: colours are averaged with each other, in the order of the array.")
else:
    print("Changed: MS-SSIM of colours is not as stated.")
    sys.exit(1)
PY
