#!/usr/bin/env bash
# OpenEXR 3.5.3 (its own Python module): channels and crops that are NumPy views are written with their pixels in another order.
#
# Expected: File({...}, {"R": picture[..., 0], "G": picture[..., 1], "B": picture[..., 2]}) writes the picture, or says
# that it wants contiguous arrays.
# Happens: the memory from a view's first value on is written, as if the values lay one after the other. Of a photograph
# given as its three channels .6 percent of the values are right when the file is read; of its left half 1.6, of every
# second pixel .6, of its transpose .6, and with red and blue exchanged by [..., ::-1] 35 percent. Whole rows, and
# copies, come back right. Before the file is read again, channels() shows the right pixels of all.
# Why it matters: EXR is what float pictures are stored in without loss, one channel at a time, and OpenCV's pictures have
# their colours exchanged. Size, names and types are right, and what is scored from the file is a picture in shreds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0 OpenEXR==3.5.3 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import OpenEXR
from skimage import data

# Of the whole photograph the upper half, so that more memory follows.
photo = (data.astronaut() / 255).astype(np.float32)[:256]

def right(picture, split, kind=np.float32):
    picture = picture.astype(kind, copy=False)
    channels = {name: picture[..., place] for place, name in enumerate("RGB")} if split else {"RGB": picture}
    file = OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels)
    shown = file.channels()
    shown = np.stack([shown[name].pixels for name in "RGB"], -1) if split else shown["RGB"].pixels
    file.write("picture.exr")
    back = OpenEXR.File("picture.exr").channels()["RGB"].pixels
    assert back.shape == picture.shape and back.dtype == kind
    return (back == picture).mean(), (shown == picture).mean()

cases = {
    "the photograph, as RGB": right(photo, False),
    "its rows 64 to 192, as RGB": right(photo[64:192], False),
    "its channels R, G, B": right(photo, True),
    "the same in half precision": right(np.ascontiguousarray(photo.astype(np.float16)), True, np.float16),
    "its left half": right(photo[:, :256], False),
    "every second pixel": right(photo[::2, ::2], False),
    "red and blue exchanged": right(photo[..., ::-1], False),
    "its transpose": right(photo.transpose(1, 0, 2), False),
    "red and blue exchanged, copied": right(photo[..., ::-1].copy(), False),
    "its channels, copied": right(np.moveaxis(np.ascontiguousarray(np.moveaxis(photo, -1, 0)), 0, -1), True),
}
for name, (kept, shown) in cases.items():
    print(f"{name:31} {kept:7.2%} of the values come back; {shown:.0%} of them stand in channels() before")
whole = ("the photograph, as RGB", "its rows 64 to 192, as RGB", "red and blue exchanged, copied", "its channels, copied")
if all((kept == 1) == (name in whole) and kept in (1, min(kept, 0.5)) and shown == 1 for name, (kept, shown) in cases.items()):
    print("As stated: views are written in shreds.")
else:
    print("Changed: views are not written as stated.")
    sys.exit(1)
PY
