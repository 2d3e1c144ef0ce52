#!/usr/bin/env bash
# datasets 5.2.0 (Hugging Face): a picture changed in place is stored as the file it came from, or as JPEG 75.
#
# Expected: a row holds the picture that it was given: an Image's pixels, without loss, as those of an array.
# Happens: of an Image that was opened from a file the file is kept, whatever was done to it since. Signs of 2 levels
# pasted over a photograph are gone: what map() returned reads back as the clean picture to the last bit, of a JPEG and
# of a PNG. Where the data set holds a JPEG's bytes, as those of the hub do, the changed picture is coded anew as a
# JPEG at Pillow's quality of 75: pixels are up to 57 levels off, and what is left correlates with the attack's signs
# by .07. thumbnail() in map() does nothing at all. An image from Image.fromarray is exact in all cases.
# Why it matters: attacked pictures are published as data sets, and defences are measured on them. A patch pasted into
# an opened picture becomes the clean one or a JPEG of it, and the attack "does not transfer".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 pandas==3.1.1 pyarrow==26.0.1 datasets==5.2.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
HF_HUB_OFFLINE=1 HF_HOME="$work/hub" PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import datasets
import numpy as np
from pathlib import Path
from PIL import Image
from skimage import data

datasets.disable_progress_bars()
photo = data.astronaut()
signs = np.random.default_rng(0).choice([-2, 2], photo.shape)
kind = datasets.Features(image=datasets.Image())

def attacked(picture):
    return Image.fromarray(np.clip(np.asarray(picture).astype(int) + signs, 0, 255).astype(np.uint8))

def in_place(row):
    row["image"].paste(attacked(row["image"]))
    return row

def smaller(row):
    row["image"].thumbnail((128, 128))
    return row

seen = {}
for form in ("jpg", "png"):
    name = f"photo.{form}"
    Image.fromarray(photo).save(name, quality=90)
    clean = np.asarray(Image.open(name)).astype(int)
    step = np.asarray(attacked(Image.open(name))).astype(int) - clean
    for source, value in {"path": name, "bytes": {"path": None, "bytes": Path(name).read_bytes()}}.items():
        rows = datasets.Dataset.from_dict({"image": [value]}, features=kind)
        for how, function in {"changed in place": in_place, "a new image": lambda row: {"image": attacked(row["image"])}}.items():
            kept = np.asarray(rows.map(function)[0]["image"]).astype(int) - clean
            left = 0.0 if not kept.any() else np.corrcoef(kept.ravel(), step.ravel())[0, 1]
            seen[form, source, how] = np.abs(kept).max(), np.abs(kept - step).max(), left
            print(f"{form} by {source:5} {how:16}: up to {seen[form, source, how][0]:2} levels from the clean picture, "
                  f"{seen[form, source, how][1]:2} from the attacked one, correlation with the signs {left:.3f}")
        if source == "path":
            size = rows.map(smaller)[0]["image"].size
            print(f"{form} by path  thumbnail((128, 128)): {size}")
            seen[form, "size"] = size
    opened = Image.open(name)
    in_place({"image": opened})
    kept = np.asarray(datasets.Dataset.from_dict({"image": [opened]}, features=kind)[0]["image"]).astype(int)
    seen[form, "given"] = np.abs(kept - clean).max()
    print(f"{form}, opened, changed and given to from_dict: up to {seen[form, 'given']} levels from the clean picture")
lost = all(seen[form, "path", "changed in place"][0] == 0 and seen[form, "given"] == 0 and seen[form, "size"] == (512, 512) for form in ("jpg", "png"))
coded = seen["jpg", "bytes", "changed in place"]
exact = all(seen[form, source, "a new image"][1] == 0 for form in ("jpg", "png") for source in ("path", "bytes"))
if lost and exact and coded[0] > 30 and coded[2] < 0.2 and seen["png", "bytes", "changed in place"][1] == 0:
    print("As stated: a picture changed in place is stored clean, or as a JPEG.")
else:
    print("Changed: pictures are not stored as stated.")
    sys.exit(1)
PY
