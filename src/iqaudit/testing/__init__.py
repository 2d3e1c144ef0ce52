"""Victims that record, fail or are slow, a check of attacks, and pictures: for tests of yours.

Each victim wraps another one, or a function, and may itself be wrapped:

>>> from iqaudit.testing import Failing, Recording, synthetic_picture
>>> recording = Recording(lambda pictures: pictures.mean(axis=(1, 2, 3)), score_range=(0, 255))
>>> failing = Failing(recording, at=2)
>>> failing.score(synthetic_picture(24, 32)[None]).round().tolist()
[127.0]
>>> failing.score(synthetic_picture(24, 32)[None])
Traceback (most recent call last):
ConnectionError: the victim has failed, as a test asked for
>>> len(recording.pictures)
1
"""

from iqaudit.testing._attacks import check_attack
from iqaudit.testing._pictures import synthetic_picture
from iqaudit.testing._victims import Failing, Noisy, Recording, Slow

__all__ = ["Failing", "Noisy", "Recording", "Slow", "check_attack", "synthetic_picture"]
