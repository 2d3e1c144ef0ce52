#!/usr/bin/env bash
# NumPy 2.4.6, and pandas 3.1.1 and matplotlib 3.11.2 on it: quantiles of int8 and int16 lie outside of the values.
#
# Expected: a quantile lies between the smallest and the largest value, the .5 quantile is the median, and integers
# become floats before anything is computed, as for mean, std and median.
# Happens: the step between two neighbours in the order is taken in the array's own type, and wraps where they are 128
# apart. Of eight int8 scores, four at -119 to -96 and four at 90 to 118, the median is -3 by np.median and 125 by
# np.quantile, above every score; pandas' median is -3, and its quantile and the 50% of describe() are 125, by group as
# well, though a group's quantile is -3. The quartiles of -100 and 100 are -114 and 114, and their middle is 128; those of
# -30,000 and 30,000 as int16 are -31,384 and 31,384. Of 50 times -128 and 150 times 127 matplotlib's box begins at
# 127.25 and ends at 127. polars 2.1.0 is right, SciPy's interquartile range is, and so is NumPy of uint8 and int32.
# Why it matters: int8 is what quantised networks answer, and how a picture minus 128 is stored. Scores before and after an
# attack are two clusters with a gap, and in the gap is where quantiles are looked up.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 polars==2.1.0 matplotlib==3.11.2 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import pandas as pd
import polars as pl
from matplotlib.cbook import boxplot_stats
from scipy import stats

scores = np.array([-119, -110, -101, -96, 90, 99, 107, 118], np.int8)
series = pd.Series(scores)
groups = pd.DataFrame({"victim": "one", "score": scores}).groupby("victim").score
medians = {
    "np.median": np.median(scores),
    "np.quantile": np.quantile(scores, 0.5),
    "np.nanpercentile": np.nanpercentile(scores, 50),
    "np.quantile of int32": np.quantile(scores.astype(np.int32), 0.5),
    "pandas median": series.median(),
    "pandas quantile": series.quantile(0.5),
    "pandas describe": series.describe()["50%"],
    "pandas quantile of Int8": series.astype("Int8").quantile(0.5),
    "pandas groupby quantile": groups.quantile(0.5).iloc[0],
    "pandas groupby describe": groups.describe()["50%"].iloc[0],
    "polars median": pl.Series(scores).median(),
    "polars quantile": pl.Series(scores).quantile(0.5, "linear"),
}
print("the median of", *scores)
for name, value in medians.items():
    print(f"  {name:24} {value:g}")
quartiles = {kind: np.quantile(np.array([-most, most], kind), [0.25, 0.5, 0.75]) for kind, most in (("int8", 100), ("int16", 30000), ("int32", 100))}
for kind, three in quartiles.items():
    print(f"quartiles of two values of {kind}:", *three)
unsigned = np.quantile(np.array([0, 200], np.uint8), [0.25, 0.5, 0.75])
print("quartiles of 0 and 200 as uint8:", *unsigned)
values = np.array([-128] * 50 + [127] * 150, np.int8)
ranges = stats.iqr(values), stats.iqr(values.astype(np.int32))
box = boxplot_stats(values)[0]
print(f"50 of -128 and 150 of 127: SciPy's interquartile range {ranges[0]}, of int32 {ranges[1]}; matplotlib's box from {box['q1']} to {box['q3']}")
print("middle of -63 and 64:", np.quantile(np.array([-63, 64], np.int8), 0.5), "; of -64 and 64:", np.quantile(np.array([-64, 64], np.int8), 0.5))
wrapped = ("np.quantile", "np.nanpercentile", "pandas quantile", "pandas describe", "pandas quantile of Int8", "pandas groupby describe")
if (all(value == (125 if name in wrapped else -3) for name, value in medians.items()) and quartiles["int8"].tolist() == [-114, 128, 114]
        and quartiles["int16"].tolist() == [-31384, 32768, 31384] and quartiles["int32"].tolist() == [-50, 0, 50] and unsigned.tolist() == [50, 100, 150]
        and ranges == (63.75, 63.75) and box["q1"] > box["q3"]):
    print("As stated: quantiles of small signed integers wrap.")
else:
    print("Changed: quantiles do not wrap as stated.")
    sys.exit(1)
PY
