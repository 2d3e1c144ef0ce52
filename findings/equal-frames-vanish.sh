#!/usr/bin/env bash
# Pillow 13.0.0, OpenCV 5.0.0.93 and imageio 2.38.1: of a row of pictures saved in one file the repeated ones are left out.
#
# Expected: twelve pictures that are written to one file are twelve when it is read, or the library says which it left
# out; a stack is not a film.
# Happens: of six photographs, each followed by its attacked version, two attacks failed and changed nothing. Ten pictures
# come back from Pillow's GIF and lossless WebP, from imageio's GIF and from OpenCV's PNG and lossless WebP, without a word.
# From the first failure on the pairs are made of other pictures: exact as they are in PNG and WebP, 3 of 12 stand in
# their place. Twelve come back from Pillow's PNG, OpenCV's GIF, and AVIF and TIFF of both.
# Why it matters: pictures are told by their place in a stack. After an equal neighbour, a failed attack or a second
# flat tile, the labels belong to other pictures, and scores of different photographs are compared.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 imageio==2.38.1 \
  opencv-python-headless==5.0.0.93 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import cv2
import imageio.v3
import numpy as np
from PIL import Image, ImageSequence
from skimage import data

photo = data.astronaut()
tiles = [np.ascontiguousarray(photo[y : y + 96, x : x + 96]) for y in (64, 160, 256) for x in (64, 160)]
# Six photographs, each with its attacked version, of which two attacks found nothing.
attacked = [tile if place in (1, 3) else (tile ^ 4) for place, tile in enumerate(tiles)]
row = [picture for pair in zip(tiles, attacked, strict=True) for picture in pair]

def by_pillow(form, **options):
    file = io.BytesIO()
    pictures = [Image.fromarray(picture) for picture in row]
    pictures[0].save(file, form, save_all=True, append_images=pictures[1:], **options)
    return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(file))]

def by_opencv(ending, *options):
    file = cv2.imencodemulti(ending, [picture[..., ::-1].copy() for picture in row], list(options))[1]
    return [frame[..., ::-1] for frame in cv2.imdecodemulti(file, cv2.IMREAD_COLOR)[1]]

def by_imageio(ending, **options):
    return list(imageio.v3.imread(imageio.v3.imwrite("<bytes>", np.stack(row), extension=ending, **options), index=None if ending != ".tif" else ..., extension=ending))

cases = {
    "Pillow GIF": by_pillow("GIF"),
    "Pillow WebP, lossless": by_pillow("WEBP", lossless=True),
    "Pillow PNG": by_pillow("PNG"),
    "Pillow AVIF": by_pillow("AVIF"),
    "Pillow TIFF": by_pillow("TIFF"),
    "imageio GIF": by_imageio(".gif"),
    "imageio PNG": by_imageio(".png"),
    "OpenCV GIF": by_opencv(".gif"),
    "OpenCV WebP, lossless": by_opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "OpenCV PNG": by_opencv(".png"),
    "OpenCV AVIF": by_opencv(".avif"),
    "OpenCV TIFF": by_opencv(".tif"),
}
seen = {}
for name, frames in cases.items():
    exact = all(any((frame == picture).all() for picture in row) for frame in frames)
    in_place = sum((frame == picture).all() for frame, picture in zip(frames, row))
    clean = [int(np.argmin([((frame - picture.astype(float)) ** 2).mean() for picture in tiles])) for frame in frames[::2]]
    seen[name] = len(frames), exact, in_place, clean
    print(f"{name:21} {len(frames):2} of 12 come back, {'exact' if exact else 'lossy'}; the photographs at 0, 2, 4, ... are number", *clean)
exact_ones = ("Pillow WebP, lossless", "OpenCV WebP, lossless", "OpenCV PNG")
short = (*exact_ones, "Pillow GIF", "imageio GIF")
print("in their place, of those that are exact:", {name: int(seen[name][2]) for name in seen if seen[name][1]})
if (all((count == 10) == (name in short) and count in (10, 12) for name, (count, *_) in seen.items())
        and all(seen[name][1] and seen[name][2] == 3 for name in exact_ones)
        and all(clean == ([0, 1, 2, 4, 5] if name in short else [0, 1, 2, 3, 4, 5]) for name, (*_, clean) in seen.items())):
    print("As stated: equal neighbours are written once.")
else:
    print("Changed: other pictures come back than stated.")
    sys.exit(1)
PY
