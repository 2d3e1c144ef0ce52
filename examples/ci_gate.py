"""A gate in CI: the build fails where a scorer can be pushed too far."""

import sys

from skimage import data

import iqaudit

RULES = ["rgo > 0.5", "ssim < 0.9"]

audit = iqaudit.audit(
    victims=["reference"],
    data=[data.astronaut(), data.chelsea()],
    attacks=["guided"],
    queries=300,
    out="gate",
    engine="serial",
)
failures = [judgement for judgement in audit.gate(RULES) if judgement.failed]
for failure in failures:
    print(failure.sentence, file=sys.stderr)
sys.exit(3 if failures else 0)
