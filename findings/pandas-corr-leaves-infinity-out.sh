#!/usr/bin/env bash
# pandas 3.1.1: DataFrame.corr leaves rows with an infinite PSNR out, and Series.corr ranks them.
#
# Expected: Spearman's and Kendall's coefficients are of ranks, in which infinity is the largest; the frame's and the
# series' method of the same name agree; what is left out is missing ("excluding NA/null values").
# Happens: the frame's corr drops every row in which either value is infinite, without a word. Of 120 pictures,
# photographs with noise of 0 to 9 levels, the 12 untouched ones have a PSNR of infinity. Spearman's coefficient of
# PSNR and SSIM is .919 from the frame, over 108 rows, and .941 from the series, from corrwith and from SciPy, over
# all; Kendall's .758 and .803. Where half of 120 attacks fail and leave the picture as it was, and what the others
# gain is drawn at random, Spearman's of PSNR and gain is .02 from the frame and -.85 from the series.
# Why it matters: an untouched picture has an infinite PSNR, and every data set has references and every audit
# failures. SROCC and KROCC of a table are those of a smaller table, by which call was made.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 pandas==3.1.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import pandas as pd
from scipy import stats
from skimage import data
from skimage.metrics import structural_similarity

rng = np.random.default_rng(0)

def psnr(one, other):
    error = ((one.astype(float) - other) ** 2).mean()
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)

rows = []
for name in ("astronaut", "coffee", "chelsea"):
    whole = getattr(data, name)()
    for corner in range(4):
        photo = whole[corner // 2 * 128 :][:128, corner % 2 * 128 :][:, :128]
        for level in range(10):
            noisy = np.clip(photo + rng.choice([-level, level], photo.shape), 0, 255).astype(np.uint8)
            rows.append((psnr(photo, noisy), structural_similarity(photo, noisy, channel_axis=-1)))
measures = pd.DataFrame(rows, columns=["psnr", "other"])
# Attacks: half of them fail and leave the picture; the others cost 36 to 44 dB and gain 10 to 30, the one not from the other.
failed = np.arange(120) % 2 == 0
audit = pd.DataFrame({"psnr": np.where(failed, np.inf, rng.uniform(36, 44, 120)), "other": np.where(failed, 0, rng.uniform(10, 30, 120))})
seen = {}
for title, table in {"PSNR and SSIM of 120 pictures": measures, "PSNR and gain of 120 attacks": audit}.items():
    print(f"{title}, {np.isinf(table.psnr).sum()} of them untouched")
    for method, direct in {"spearman": stats.spearmanr, "kendall": stats.kendalltau}.items():
        finite = table[np.isfinite(table.psnr)]
        seen[title, method] = figures = {
            "DataFrame.corr": table.corr(method).loc["psnr", "other"],
            "the finite rows": direct(finite.psnr, finite.other).statistic,
            "Series.corr": table.psnr.corr(table.other, method),
            "corrwith": table[["psnr"]].corrwith(table.other, method=method).iloc[0],
            "SciPy": direct(table.psnr, table.other).statistic,
        }
        print(f"  {method:9}" + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))

def as_stated(figures):
    return (np.isclose(figures["DataFrame.corr"], figures["the finite rows"])
            and np.allclose([figures["Series.corr"], figures["corrwith"]], figures["SciPy"])
            and abs(figures["DataFrame.corr"] - figures["SciPy"]) > 0.01)

if all(as_stated(figures) for figures in seen.values()) and abs(np.diff([seen["PSNR and gain of 120 attacks", "spearman"][name] for name in ("DataFrame.corr", "SciPy")])[0]) > 0.5:
    print("As stated: the frame leaves out what the series ranks.")
else:
    print("Changed: the two methods do not differ as stated.")
    sys.exit(1)
PY
