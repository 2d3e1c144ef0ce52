"""Pictures that tests make."""

from collections.abc import Callable

from iqaudit._core.picture import Pixels

MakePicture = Callable[..., Pixels]
"""The fixture `make_picture`: `iqaudit.testing.synthetic_picture`."""
