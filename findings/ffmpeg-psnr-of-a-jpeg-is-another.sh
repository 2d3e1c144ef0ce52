#!/usr/bin/env bash
# FFmpeg n9.0.2 (of imageio-ffmpeg 0.8.1): PSNR to a JPEG is 3.6 to 5 dB higher than to a PNG of the JPEG's pixels.
#
# Expected: psnr and ssim compare what is in two files: a JPEG and a PNG of the decoded JPEG are equally far from the
# original, as far as NumPy says.
# Happens: a filter with two inputs makes them one format first, and the original, an RGB PNG, becomes the JPEG's YUV,
# with halved colours if the JPEG has such: what the JPEG lost there the original loses too. At quality 90 with 4:2:0
# PSNR is 40.7 to 42.6 dB where that of the pixels is 35.8 to 39.0 (as PNG, where FFmpeg agrees with NumPy), and 1 -
# SSIM is about half. By SSIM halved colours beat whole ones, 4:2:0 beats 4:4:4, in two photographs of three; by pixels
# they lose in all. Only Y, U, V in the place of R, G, B tells. And xpsnr of RGB pictures calls green r, blue g and red
# b: a change of red alone is reported in b.
# Why it matters: one attacked picture is 4 dB nearer as a JPEG than as a PNG of the same pixels, and a codec that
# halves colours is measured by a ruler that halves them too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 imageio-ffmpeg==0.8.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import re
import subprocess
import sys
import imageio_ffmpeg
import numpy as np
from PIL import Image
from skimage import data

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
print(subprocess.run([ffmpeg, "-version"], capture_output=True, text=True).stdout.split(" Copyright")[0])

def measure(kind, one, other):
    command = [ffmpeg, "-hide_banner", "-threads", "1", "-i", one, "-i", other, "-lavfi", f"[0:v][1:v]{kind}", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True).stderr
    line = [line for line in said.splitlines() if "Parsed_" in line][-1]
    return {name: float(value) for name, value in re.findall(r"(\w+): ?([\d.]+|inf)", line.split("]")[-1])}

def psnr(one, other):
    return 10 * np.log10(255**2 / ((one.astype(float) - other) ** 2).mean())

seen = {}
for name in ("astronaut", "coffee", "chelsea"):
    photo = getattr(data, name)()[:300, :448]
    Image.fromarray(photo).save("photo.png")
    for colours in ("4:2:0", "4:4:4"):
        Image.fromarray(photo).save("coded.jpg", quality=90, subsampling=colours)
        coded = Image.open("coded.jpg")
        coded.save("coded.png")
        figures = seen[name, colours] = {
            "NumPy": psnr(photo, np.asarray(coded)),
            "PSNR of PNG": measure("psnr", "photo.png", "coded.png")["average"], "PSNR of JPEG": measure("psnr", "photo.png", "coded.jpg")["average"],
            "SSIM of PNG": measure("ssim", "photo.png", "coded.png")["All"], "SSIM of JPEG": measure("ssim", "photo.png", "coded.jpg")["All"],
        }
        print(f"{name:9} JPEG 90, {colours}: " + ", ".join(f"{title} {value:.4f}" for title, value in figures.items()))
red = photo.copy()
red[..., 0] = np.clip(red[..., 0] + np.random.default_rng(0).choice([-9, 9], red.shape[:2]), 0, 255)
Image.fromarray(red).save("red.png")
planes = measure("xpsnr", "photo.png", "red.png")
print("red alone changed: xpsnr says", planes, "and psnr", measure("psnr", "photo.png", "red.png"))
halved = [figures for (_, colours), figures in seen.items() if colours == "4:2:0"]
whole = [figures for (_, colours), figures in seen.items() if colours == "4:4:4"]
if (all(abs(figures["PSNR of PNG"] - figures["NumPy"]) < 1e-4 and figures["PSNR of JPEG"] - figures["NumPy"] > 3 for figures in seen.values())
        and all(h["SSIM of PNG"] < w["SSIM of PNG"] for h, w in zip(halved, whole))
        and sum(h["SSIM of JPEG"] > w["SSIM of JPEG"] for h, w in zip(halved, whole)) == 2
        and np.isinf([planes["r"], planes["g"]]).all() and np.isfinite(planes["b"])):
    print("As stated: the JPEG's format is the ruler, and xpsnr's names are of other planes.")
else:
    print("Changed: the file's format does not matter as stated.")
    sys.exit(1)
PY
