#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93: a GIF has colours of 3, 3 and 2 bits, and at the best quality worse ones.
#
# Expected: 256 colours picked for the picture, as GIF writers do, and the better the higher IMWRITE_GIF_QUALITY (1 to
# 8).
# Happens: by default red and green have at most 8 levels and blue 4, whatever is in the picture; of the astronaut 112
# colours are left. The mean error is 13.4 levels (PSNR 22.3 dB), 15.7 and 16.1 of two other photographs; Pillow's is
# 2.7, 2.1 and 2.1 (34.8 to 38.8 dB). Quality 8, by its flag 256 colours, is worse: 23.1 levels in 42 colours.
# IMWRITE_GIF_DITHER at 3 gives 3.6.
# Why it matters: victims that take GIF are asked about a picture five to eight times as far away as need be, and an
# attack of 3 levels is a tenth of a step of the palette. Small patches shown as GIF in a report are not what was
# scored.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 opencv-python-headless==5.0.0.93 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import cv2
import numpy as np
from PIL import Image
from skimage import data

as_stated = True
for name in ("astronaut", "coffee", "chelsea"):
    photo = np.ascontiguousarray(getattr(data, name)())
    opencv, best, dithered = (
        np.asarray(Image.open(io.BytesIO(cv2.imencode(".gif", photo[..., ::-1], options)[1].tobytes())).convert("RGB"))
        for options in ([], [cv2.IMWRITE_GIF_QUALITY, 8], [cv2.IMWRITE_GIF_DITHER, 3])
    )
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "GIF")
    pillow = np.asarray(Image.open(file).convert("RGB"))
    seen = []
    for title, gif in (("Pillow", pillow), ("OpenCV", opencv), ("OpenCV, quality 8", best), ("OpenCV, dither 3", dithered)):
        error = gif.astype(int) - photo
        seen.append((np.abs(error).mean(), 10 * np.log10(255**2 / (error**2).mean()), len(np.unique(gif.reshape(-1, 3), axis=0))))
        print(f"{name:10} {title:17} mean error {seen[-1][0]:5.2f} levels, PSNR {seen[-1][1]:.2f} dB, {seen[-1][2]} colours; "
              f"mean shift {error.mean():+.2f}")
    print("  in OpenCV's default file levels of red, green, blue:", *[len(np.unique(opencv[..., channel])) for channel in range(3)])
    as_stated &= seen[1][0] > 4 * seen[0][0] and seen[1][2] < 150 < seen[0][2] and seen[2][0] > seen[1][0] and seen[3][0] < seen[1][0]
if as_stated:
    print("As stated: OpenCV's GIF is of a fixed set of colours.")
else:
    print("Changed: OpenCV's GIF is not as coarse as stated.")
    sys.exit(1)
PY
