#!/usr/bin/env bash
# torchmetrics 1.9.0: SSIM of a pair of pictures depends on which other pairs are in the batch.
#
# Expected: reduction="none" gives a figure for each pair, the same alone and among others. PSNR over a
# data set is the mean over its pictures.
# Happens: without data_range, which is not asked for, the constants of SSIM are set by the brightest and darkest
# pixel of the whole batch. Photographs dimmed to 40 % have 1 - SSIM of .11 to .17 alone, and .05 to .09
# beside one that is not dim: half. MS-SSIM does the same. The class PeakSignalNoiseRatio pools squared errors over all pictures,
# so that the worst decide: over JPEG of 95, 50, 20 and 5 it says 29.2 dB where the mean is 31.6.
# Why it matters: two people with the same pictures and the same call print different tables, by the size and order of
# their batches. Give data_range, and take the mean over PSNRs with dim=(1, 2, 3), if that is what the table says.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 scikit-image==0.26.0 torch==2.13.0 torchmetrics==1.9.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import io
import sys
import numpy as np
import torch
from PIL import Image
from skimage import data
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as ms_ssim
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure as ssim
from torchmetrics.image import PeakSignalNoiseRatio

def jpeg(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))

def tensor(*pictures):
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255

photos = [getattr(data, name)()[:288, :448] for name in ("astronaut", "coffee", "chelsea", "rocket")]
dim = [(photo * 0.4).astype(np.uint8) for photo in photos]
coded = [jpeg(picture, 50) for picture in dim]
as_stated = True
for name, measure in (("1 - SSIM", ssim), ("1 - MS-SSIM", ms_ssim)):
    def lost(ones, others, **options):
        return (1 - measure(tensor(*ones), tensor(*others), reduction="none", **options)).tolist()

    alone = [lost([one], [other])[0] for one, other in zip(coded, dim)]
    among = lost([*coded, photos[0]], [*dim, photos[0]])[:-1]
    given = [lost([*coded, photos[0]], [*dim, photos[0]], data_range=1.0)[:-1],
             [lost([one], [other], data_range=1.0)[0] for one, other in zip(coded, dim)]]
    for title, figures in (("alone", alone), ("beside a bright picture", among), ("alone, data_range=1", given[1])):
        print(f"{name:11} of dim photographs, {title:24}", " ".join(f"{figure:.4f}" for figure in figures))
    as_stated &= all(a > 1.3 * b for a, b in zip(alone, among)) and np.allclose(*given, atol=1e-5)
pooled = PeakSignalNoiseRatio(data_range=1.0)
each = []
for photo, quality in zip(photos, (95, 50, 20, 5)):
    pair = tensor(jpeg(photo, quality)), tensor(photo)
    pooled.update(*pair)
    each.append(float(peak_signal_noise_ratio(*pair, data_range=1.0)))
print("PSNR of the photographs", " ".join(f"{value:.2f}" for value in each),
      f"mean {np.mean(each):.2f}, PeakSignalNoiseRatio {float(pooled.compute()):.2f}")
if as_stated and np.mean(each) - float(pooled.compute()) > 1:
    print("As stated: a pair's figure hangs on its batch.")
else:
    print("Changed: the figures do not hang on the batch as stated.")
    sys.exit(1)
PY
