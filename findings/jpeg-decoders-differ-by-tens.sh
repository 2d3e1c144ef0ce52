#!/usr/bin/env bash
# One JPEG with 4:2:0 colours, several decoders: pixels differ by up to tens of levels.
#
# Expected: a JPEG's pixels are a decoder's to a level or two; the standard's test of conformance allows no more
# before colours are enlarged and converted.
# Happens: colours at half resolution are enlarged in ways of which the standard says nothing.
# libjpeg-turbo (Pillow 13.0.0, OpenCV 5.0.0, imagecodecs 2026.3.6, simplejpeg 1.9.0) draws them out smoothly,
# libjpeg from version 7 on (jpeglib 1.0.2) enlarges by its DCT, FFmpeg (PyAV 18.1.0) repeats them, and so does libjpeg-turbo with
# fastupsample. With 4:4:4 all agree to a level, and FFmpeg to 3.
# Why it matters: 3/255 is what an attack may change. A scorer behind another decoder than the one it was
# trained or attacked with sees changes ten times as large in coloured edges, from the decoder alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93 imagecodecs==2026.3.6 simplejpeg==1.9.0 av==18.1.0 jpeglib==1.0.2 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import av
import cv2
import imagecodecs
import jpeglib
import numpy as np
import simplejpeg
from PIL import Image

y, x = np.mgrid[:192, :256]
waves = [np.sin(x / 9) + np.cos(y / 7), np.sin((x + y) / 11) * 2, np.cos(x * y / 900) * 2]
smooth = np.stack([128 + 45 * wave for wave in waves], axis=-1)
photo = np.clip(smooth + np.random.default_rng(0).normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
photo[60:130, 90:170] = (230, 20, 30)

def decoded(file):
    with av.open(io.BytesIO(file)) as stream:
        yield "PyAV (FFmpeg)", next(stream.decode(video=0)).to_ndarray(format="rgb24")
    yield "OpenCV", cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    yield "imagecodecs", imagecodecs.jpeg8_decode(file)
    yield "simplejpeg", simplejpeg.decode_jpeg(file)
    yield "simplejpeg fastupsample", simplejpeg.decode_jpeg(file, fastupsample=True)
    with open("file.jpg", "wb") as stream:
        stream.write(file)
    for version in ("6b", "9e"):
        with jpeglib.version(version):
            yield f"jpeglib, libjpeg {version}", jpeglib.read_spatial("file.jpg").spatial

seen = {}
for sampling in ("4:2:0", "4:4:4"):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=95, subsampling=sampling)
    pillow = np.asarray(Image.open(file).convert("RGB")).astype(int)
    for name, pixels in decoded(file.getvalue()):
        gap = np.abs(pixels.astype(int) - pillow)
        seen[sampling, name] = int(gap.max())
        print(f"{sampling} {name:26} against Pillow: at most {gap.max():3} levels, {gap.mean():.3f} on average")
same = ("OpenCV", "imagecodecs", "simplejpeg", "jpeglib, libjpeg 6b")
others = ("PyAV (FFmpeg)", "simplejpeg fastupsample", "jpeglib, libjpeg 9e")
if (all(seen["4:2:0", name] == 0 for name in same)
        and all(seen["4:2:0", name] >= 20 for name in others)
        and all(most <= 3 for (sampling, _), most in seen.items() if sampling == "4:4:4")):
    print("As stated: decoders differ in how they enlarge colours, by tens of levels.")
else:
    print("Changed: the decoders do not differ as stated.")
    sys.exit(1)
PY
