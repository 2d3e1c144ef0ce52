"""Square Attack in L∞: vertical stripes, then a random search with one coloured square a query.

Andriushchenko, Croce, Flammarion, Hein, "Square Attack: a query-efficient black-box adversarial
attack via random search", ECCV 2020; algorithms 1 and 2. The paper's attack on quality models
(`iqaudit.attacks._bidirectional`) grew out of it.
"""

from dataclasses import dataclass, field

from iqaudit.attacks._bidirectional import Bidirectional


@dataclass(frozen=True)
class Square(Bidirectional):
    """The same two stages as `Bidirectional`, with one square a query.

    Its authors' program never draws a square that reaches the last row or column; this does.

    Parameters
    ----------
    p_init : float
        A square's share of the picture at the start, in (0, 1]; their setting for L∞.

    Examples
    --------
    >>> Square()
    Square(n_squares=1, p_init=0.05)
    """

    n_squares: int = field(default=1, init=False)
    p_init: float = 0.05
