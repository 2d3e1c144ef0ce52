#!/usr/bin/env bash
# OpenCV 5.0.0.93 (beside Pillow 13.0.0): a .jp2 written with no option is not what option 1000 writes.
#
# Expected: JPEG 2000 without options is lossless, as Pillow writes it; OpenCV's description
# of IMWRITE_JPEG2000_COMPRESSION_X1000 gives 1000 as the default, which is lossless.
# Happens: leaving the option away gives the file that 250 gives, byte for byte: a quarter of the raw size. On
# a noisy picture pixels move by more than a hundred levels, and nothing says so.
# Why it matters: JPEG 2000 is one of the distortions of the classic quality data sets. Adversarial
# pictures kept as .jp2, thought lossless, have lost the attack; and the two libraries' "default JPEG 2000"
# are different distortion levels.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io, sys
import cv2
import numpy as np
from PIL import Image

picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
files = {}
for option in (None, 1000, 250):
    options = [] if option is None else [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, option]
    done, data = cv2.imencode(".jp2", picture, options)
    gap = int(np.abs(cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int) - picture).max())
    files[option] = data.tobytes(), gap
    print(f"OpenCV, option {option}: {data.size} bytes, worst pixel off by {gap} levels")
stream = io.BytesIO()
Image.fromarray(picture).save(stream, "JPEG2000")
size = stream.tell()
pillow = int(np.abs(np.asarray(Image.open(stream)).astype(int) - picture).max())
print(f"Pillow, no option: {size} bytes, worst pixel off by {pillow} levels; the raw pixels are {picture.nbytes}")
if files[None][1] > 20 and files[1000][1] == 0 == pillow and files[None][0] == files[250][0]:
    print("As stated: no option is option 250, not option 1000.")
else:
    print("Changed: OpenCV's JPEG 2000 without options is not as stated.")
    sys.exit(1)
PY
