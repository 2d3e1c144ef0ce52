#!/usr/bin/env bash
# pillow-jxl-plugin 1.3.8 (Pillow 13.0.0): a changed picture that was opened from a JPEG is saved unchanged.
#
# Expected: save() writes the pixels that the image has, at the quality asked for, as in every other format.
# Happens: where the image was once opened from a JPEG file, that file is read again and repacked, whatever was done to
# the image in place. A negative pasted over a sixteenth of a photograph is not in the .jxl; after thumbnail((128,
# 128)) the .jxl is the photograph of 512 by 512; quality 90, 50 and 20 are one and the same file, which decodes to the
# JPEG; and at 18 and 10 the file is the upper left quarter of the photograph, 256 by 256, nearly exact. A warning
# speaks of "JPEG reconstruction to create lossless JXL", not of changes lost. lossless_jpeg=False writes the pixels,
# and PNG and WebP hold the patch.
# Why it matters: a patch attack saved so is the clean picture, whose score did not move. A series of distortions by
# JPEG XL made from JPEG sources is the source three times over and then a crop of it: robustness to it is perfect.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 pillow-jxl-plugin==1.3.8 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
from pathlib import Path
import numpy as np
import pillow_jxl
from PIL import Image
from skimage import data

def pixels(file):
    return np.asarray(Image.open(file).convert("RGB")).astype(int)

def apart(one, other):
    return np.abs(one - other).max() if one.shape == other.shape else f"(sizes {one.shape[:2]} and {other.shape[:2]})"

Image.fromarray(data.astronaut()).save("photo.jpg", quality=90)
clean = pixels("photo.jpg")
patched = Image.open("photo.jpg")
patched.paste(Image.fromarray(255 - clean[:128, :128].astype(np.uint8)), (0, 0))
want = np.asarray(patched).astype(int)
seen = {}
for name, options in {
    "patch.jxl": {}, "patch-lossless.jxl": {"lossless": True}, "patch-of-pixels.jxl": {"lossless": True, "lossless_jpeg": False},
    "patch.png": {}, "patch.webp": {"lossless": True},
}.items():
    patched.save(name, **options)
    seen[name] = apart(pixels(name), want), apart(pixels(name), clean)
    print(f"{name:19} {options}: {seen[name][0]} levels from the patched picture, {seen[name][1]} from the clean one")
files, quarters = {}, True
for quality in (90, 50, 20, 18, 10):
    Image.open("photo.jpg").save("quality.jxl", quality=quality)
    files[quality] = Path("quality.jxl").read_bytes()
    Image.fromarray(clean.astype(np.uint8)).save("array.jxl", quality=quality)
    got = pixels("quality.jxl")
    part = clean[: got.shape[0], : got.shape[1]]
    print(f"quality {quality}: of the opened JPEG {len(files[quality]):5} bytes, {got.shape[1]} by {got.shape[0]}, up to {np.abs(got - part).max():2} levels from "
          f"that part of it; of the same pixels from an array {Path('array.jxl').stat().st_size:5} bytes, all of it, up to {apart(pixels('array.jxl'), clean)} levels")
    quarters &= got.shape == ((256, 256, 3) if quality < 20 else (512, 512, 3)) and np.abs(got - part).mean() < 0.5
small = Image.open("photo.jpg")
small.thumbnail((128, 128))
small.save("small.jxl")
size = Image.open("small.jxl").size
print(f"thumbnail: the image is {small.size}, the file {size}")
lost = all(seen[name] == (seen["patch.jxl"][0], 0) and seen[name][0] > 200 for name in ("patch.jxl", "patch-lossless.jxl"))
kept = all(seen[name][0] == 0 for name in ("patch-of-pixels.jxl", "patch.png", "patch.webp"))
if lost and kept and quarters and len({files[quality] for quality in (90, 50, 20)}) == 1 and size == (512, 512):
    print("As stated: the file that was opened is saved, not the picture.")
else:
    print("Changed: what is saved is not the opened file.")
    sys.exit(1)
PY
