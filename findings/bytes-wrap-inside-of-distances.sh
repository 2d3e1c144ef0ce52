#!/usr/bin/env bash
# SciPy 1.17.1, scikit-learn 1.9.1, torchmetrics 1.9.0: some measures of two pictures in bytes subtract as bytes.
#
# Expected: a library's distance of two arrays of bytes is that of the numbers in them, as it is in the same libraries'
# neighbours of these measures; or it refuses bytes.
# Happens: 10 - 12 is 254 within the function. Of a photograph and the same with signs of 2 levels the largest
# difference is 255 by SciPy's chebyshev and scikit-learn's max_error; SciPy's euclidean is 159,219 for 1,715 and its
# cityblock 68 times too large; torchmetrics' mean absolute error is 113.9 for 1.88, and its total variation 15 times
# that of the same floats. SciPy's sqeuclidean and cdist, scikit-learn's mean_absolute_error and torchmetrics'
# mean_squared_error are right about the same arrays.
# Why it matters: chebyshev and max_error are how a budget of levels is checked. An attack within 2 levels is reported
# at 255, as every other is, and in one table the mean absolute error is thirty times the root of the mean squared one,
# which no two pictures can have.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 scikit-learn==1.9.1 torch==2.13.0 torchmetrics==1.9.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import torch
import torchmetrics.functional as tm
from scipy.spatial import distance
from skimage import data
from sklearn import metrics

torch.set_num_threads(1)
photo = data.astronaut()
signs = np.random.default_rng(0).choice([-2, 2], photo.shape)
attacked = np.clip(photo + signs, 0, 255).astype(np.uint8)
one, other = photo.ravel(), attacked.ravel()

def tensors(function):
    return lambda a, b: float(function(torch.from_numpy(b.copy()), torch.from_numpy(a.copy())))

def variation(a, b):
    return float(tm.image.total_variation(torch.from_numpy(b.reshape(photo.shape).copy()).permute(2, 0, 1)[None]))

wrong = {
    "SciPy chebyshev": distance.chebyshev,
    "SciPy euclidean": distance.euclidean,
    "SciPy cityblock": distance.cityblock,
    "scikit-learn max_error": metrics.max_error,
    "torchmetrics mean_absolute_error": tensors(tm.mean_absolute_error),
    "torchmetrics total_variation": variation,
}
right = {
    "SciPy sqeuclidean": distance.sqeuclidean,
    "SciPy cdist chebyshev": lambda a, b: distance.cdist(a[None], b[None], "chebyshev")[0, 0],
    "scikit-learn mean_absolute_error": metrics.mean_absolute_error,
    "torchmetrics mean_squared_error": tensors(tm.mean_squared_error),
}
factors = {}
for name, measure in (wrong | right).items():
    of_bytes, of_floats = float(measure(one, other)), float(measure(one.astype(np.float64), other.astype(np.float64)))
    factors[name] = of_bytes / of_floats
    print(f"{name:33} of bytes {of_bytes:16,.3f}, of the same as floats {of_floats:14,.3f}")
if all(factors[name] > 10 for name in wrong) and all(abs(factors[name] - 1) < 1e-4 for name in right):
    print("As stated: six measures subtract bytes as bytes, and their neighbours do not.")
else:
    print("Changed: the measures do not take bytes as stated.")
    sys.exit(1)
PY
