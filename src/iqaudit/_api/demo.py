"""The demo: two attacks on the bundled victim, side by side."""

import os

from iqaudit._api.audit import Audit, audit
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import PAPER_USUAL, USUAL


def demo(
    out: str | os.PathLike[str] = "iqaudit-demo",
    *,
    queries: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    observer: Observer | None = None,
) -> Audit:
    """Attack the bundled victim on eight photographs, by the paper's attack and by `guided`.

    At most 3/255, without analyses and page. The same call goes on where an earlier one was
    stopped.

    Parameters
    ----------
    out : path
        The audit's directory.
    queries : int, optional
        The budget a picture and attack; one that takes about three minutes on two cores unless
        given.
    seed : int
        The same seed gives the same bytes.
    overwrite : bool
        Whether a run or an audit that `out` holds is replaced.
    observer : Observer, optional
        Notified of the progress.

    Returns
    -------
    Audit
        The directory's: two cells, one an attack.

    Raises
    ------
    InputError
        If an argument cannot be used, or `out` holds another run.
    KeyboardInterrupt
        If it was stopped; the answers so far are kept.
    """
    from iqaudit.datasets import _demo  # scikit-image's pictures take a second to load

    return audit(
        ["reference"],
        _demo.pictures(),
        [PAPER_USUAL, USUAL],
        queries=_demo.QUERIES if queries is None else queries,
        seeds=[seed],
        out=out,
        overwrite=overwrite,
        analyses=False,
        observer=observer,
    )
