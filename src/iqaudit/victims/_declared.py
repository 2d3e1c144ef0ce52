"""The scale that a caller says for a victim that brings none."""

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale


def said_scale(
    whose: str,
    *,
    score_range: tuple[float, float] | None = None,
    lower_is_better: bool = False,
    scale: Scale | None = None,
) -> Scale:
    """Return the scale that the caller says.

    Parameters
    ----------
    whose : str
        Begins the sentence of an error.
    score_range : (low, high), optional
        The native range.
    lower_is_better : bool
        The direction.
    scale : Scale, optional
        A fitted one, in place of both.

    Raises
    ------
    InputError
        If neither a range nor a scale is given, both are, or the range is not two numbers.
    """
    if scale is not None:
        if score_range is not None or lower_is_better:
            raise InputError("A fitted scale has a range and a direction of its own.")
        return scale
    if score_range is None:
        raise InputError(
            f"{whose} needs its score range, score_range=(low, high) or --range LOW HIGH, "
            "and lower_is_better=True or --lower-is-better where lower means better quality."
        )
    try:
        low, high = (float(end) for end in score_range)
    except (TypeError, ValueError):
        raise InputError(f"score_range is two numbers, (low, high), not {score_range!r}.") from None
    return Scale.from_range(low, high, lower_is_better=lower_is_better)
