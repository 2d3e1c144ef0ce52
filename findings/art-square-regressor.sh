#!/usr/bin/env bash
# adversarial-robustness-toolbox (ART) 1.20.1: SquareAttack attacks a regressor, given two arguments.
#
# Expected: by its annotation (CLASSIFIER_TYPE) and its documentation the attack is for classifiers; of a scorer with
# one number it says "No acceptable adversarial criterion available".
# Happens: with adv_criterion and loss both given, of a class that is a RegressorMixin and a NeuralNetworkMixin, it
# runs, moves the score and stays within eps. With one of the two it does not. A BlackBoxRegressor, the
# toolbox's own class for a scorer that is only asked, is refused all the same: it is no NeuralNetworkMixin.
# Why it matters: comparisons that leave ART out "as it only attacks classifiers" leave out a rival that
# can be had. At equal numbers of questions, counted at the victim: it asks three an iteration
# (art-square-three-queries.sh).
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
from art.estimators.estimator import BaseEstimator, NeuralNetworkMixin
from art.estimators.regression import RegressorMixin
from art.estimators.regression.blackbox import BlackBoxRegressor

def roughness(batch):
    return np.abs(np.diff(batch, axis=1)).mean((1, 2, 3))[:, None]

class Scorer(RegressorMixin, NeuralNetworkMixin, BaseEstimator):
    estimator_params = BaseEstimator.estimator_params
    input_shape = (24, 24, 3)

    def __init__(self):
        super().__init__(model=None, clip_values=(0, 1), channels_first=False)

    def predict(self, x, batch_size=128, **others):
        return roughness(x)

    def fit(self, *arguments, **others):
        raise NotImplementedError

    fit_generator = get_activations = compute_loss = loss_gradient = fit

picture = (0.25 + 0.5 * np.random.default_rng(0).random((1, 24, 24, 3))).astype(np.float32)
never = {"adv_criterion": lambda scores, wanted: np.zeros(len(scores), bool)}
lower = {"loss": lambda batch, wanted: roughness(batch)[:, 0]}

def attacked(victim, options):
    try:
        attack = SquareAttack(victim, eps=3 / 255, max_iter=100, verbose=False, **options)
        return attack.generate(picture, y=roughness(picture))
    except Exception as error:
        print(f"{type(victim).__name__:18} {' and '.join(options) or 'neither':24} {type(error).__name__}: {str(error)[:60]}")

refused = [attacked(Scorer(), options) for options in ({}, never, lower)]
refused.append(attacked(BlackBoxRegressor(roughness, (24, 24, 3), clip_values=(0, 1)), never | lower))
found = attacked(Scorer(), never | lower)
before, after = float(roughness(picture)[0, 0]), float(roughness(found)[0, 0])
change = float(np.abs(found - picture).max() * 255)
print(f"{'Scorer':18} {'adv_criterion and loss':24} {before:.5f} becomes {after:.5f}, at most {change:.2f} levels")
if all(each is None for each in refused) and after < before and change < 3.01:
    print("As stated: given both, it attacks a regressor.")
else:
    print("Changed: it is not as stated.")
    sys.exit(1)
PY
