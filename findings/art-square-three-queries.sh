#!/usr/bin/env bash
# adversarial-robustness-toolbox (ART) 1.20.1: an iteration of SquareAttack asks three times.
#
# Expected: Square Attack is known for one query an iteration, the proposal's; with max_iter=100 and
# one restart the victim is asked about 101 times for a picture, start included.
# Happens: every iteration scores the picture it holds (has it succeeded?), scores it again (its
# loss) and then the proposal: three, of which two answers were known already. And the square's
# corner is drawn below side minus size with the upper end left out, so that after the start stripes
# no square ever touches the last row or the last column.
# Why it matters: a black-box comparison is made at equal numbers of queries. Set by max_iter, ART's
# attack costs three times what its rivals do; held to a budget counted at the victim, it gets a third of
# its iterations and looks weaker than the method is.
# (The package imports packaging without requiring it: so it is pinned here beside the rest.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 packaging==26.4 \
  adversarial-robustness-toolbox==1.20.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
from art.attacks.evasion import SquareAttack
from art.estimators.classification import BlackBoxClassifierNeuralNetwork

asked = []

def predict(batch):
    asked.extend(batch.copy())
    bright = 1 / (1 + np.exp(4 * (0.5 - batch.mean((1, 2, 3)))))
    return np.stack([1 - bright, bright], 1)

victim = BlackBoxClassifierNeuralNetwork(predict, (16, 16, 3), 2, clip_values=(0, 1), channels_first=False)
picture = (0.8 + 0.1 * np.random.default_rng(0).random((1, 16, 16, 3))).astype(np.float32)
counts = {}
for rounds in (10, 100, 1000):
    asked.clear()
    np.random.seed(0)
    SquareAttack(victim, norm=np.inf, eps=3 / 255, max_iter=rounds, nb_restarts=1, batch_size=1,
                 p_init=0.05, verbose=False).generate(picture.copy(), np.array([[0.0, 1.0]]))
    counts[rounds] = len(asked)
    print(f"max_iter={rounds}: the victim was asked for {len(asked)} scores of the one picture")
per = (counts[1000] - counts[100]) / 900
print(f"so {per:.2f} scores an iteration")
same = sum(np.array_equal(a, b) for a, b in zip(asked, asked[1:]))
print(f"{same} of the last run's scores were of the very pixels asked about just before")
held = np.ptp(np.array(asked[4:]), axis=0).max(-1) > 1e-6  # past the start, where the stripes are
print(f"cells that a proposal changed after the start: last row {held[-1].sum()}, last column "
      f"{held[:, -1].sum()}, first row {held[0].sum()}, first column {held[:, 0].sum()}")
if per == 3 and held[-1].sum() == 0 and held[:, -1].sum() == 0 and held[0].any():
    print("As stated: three scores an iteration, and an edge that is never tried.")
else:
    print("Changed: the queries or the reach of ART's squares are not as stated.")
    sys.exit(1)
PY
