"""Victims from Python objects, and victims under other names."""

import sys
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.apart import Apart
from iqaudit._core.errors import InputError, refuse_unless
from iqaudit._core.importing import import_object, state_of
from iqaudit._core.scale import RANGE, Scale
from iqaudit.victims._base import Card, Victim
from iqaudit.victims._options import Own, Preprocessed
from iqaudit.victims._preprocessing import Preprocessing, ends, mean_of_bins, with_range
from iqaudit.victims._registry import load, refuse_surplus

if TYPE_CHECKING:
    from torch import nn

PARTS = ("card", "score")
"""The attributes that make an object a victim; see `Victim`."""


class Function:
    """A function that scores pictures.

    Parameters
    ----------
    function : callable
        Takes a uint8 batch (n, height, width, 3), RGB, and returns n scores.
    scale : Scale
        Native range and direction; ``Scale.from_range(low, high)`` where nothing was fitted.
    name : str, optional
        Its name in results; the function's own by default.
    smallest_side : int
        Pixels.
    largest_batch : int, optional
        Pictures that may be scored in one call; any number by default.
    **preprocessed
        What becomes of the picture before the function takes it, and of its answer, as `as_victim`
        describes them. With `normalise` or `input` it takes float32, and with ``colour="grey"``
        one channel.

    Raises
    ------
    InputError
        If a keyword is no such value.
    """

    def __init__(
        self,
        function: Callable[[NDArray[np.uint8]], ArrayLike],
        scale: Scale,
        *,
        name: str | None = None,
        smallest_side: int = 1,
        largest_batch: int | None = None,
        **preprocessed: Unpack[Preprocessed],
    ) -> None:
        name = name or getattr(function, "__name__", "") or type(function).__name__
        card = Card(name, scale, smallest_side=smallest_side, largest_batch=largest_batch)
        bins = preprocessed.get("bins")
        self._bins = None if bins is None else ends("bins", bins)
        self._preprocessing = Preprocessing.of(preprocessed)
        self.card = self._preprocessing.described(card)
        self._function = function

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        if self._preprocessing != Preprocessing():
            prepared: NDArray[Any] = load("arrays")(
                pictures, self._preprocessing, whole=self._preprocessing.keeps_levels
            )
            pictures = prepared
        answer = self._function(pictures)
        if self._bins is None:
            return answer
        whose = f'The answer of "{self.card.name}"'
        return mean_of_bins(answer, len(pictures), self._bins, whose)


def wrap(victim: "Victim | nn.Module | Callable[..., Any]", options: dict[str, Any]) -> Victim:
    """Return the victim of an object; see `as_victim`."""
    name = options.pop("name", None)
    if isinstance(victim, Victim):
        scale = options.pop("scale", None)
        refuse_surplus("This victim is made already and", options, ())
        scaled = victim if scale is None else cast("Victim", Scaled(victim, scale))
        return name_victim(scaled, name)
    if not callable(victim):
        lacks = [part for part in PARTS if not hasattr(victim, part)]
        raise InputError(
            "A victim is a name, a function, a torch module, or an object with "
            f"{' and '.join(PARTS)}; this {type(victim).__name__} lacks {', '.join(lacks)}."
        )
    torch = sys.modules.get("torch")  # an object of a library that was never imported is none
    is_module = torch is not None and isinstance(victim, torch.nn.Module)
    own = {key: options.pop(key) for key in MODULES if is_module and key in options}
    refuse_surplus("A module" if is_module else "A function", options, Own.__annotations__)
    own |= {key: options.pop(key) for key in Preprocessed.__annotations__ if key in options}
    _, declared = with_range(own.get("bins"), options)
    scale = Scale.declared("A function or module", **declared)
    if "checkpoint" in own:
        victim = cast("nn.Module", load("loaded")(victim, own.pop("checkpoint")))
    make: Any = load("TorchModule") if is_module else Function
    return name_victim(make(victim, scale, **own), name)


class ObjectOptions(Own, total=False):
    """The keywords of a function or module; `exact` and `checkpoint` of a module alone."""

    exact: str
    checkpoint: str | PathLike[str]


MODULES = ObjectOptions.__annotations__.keys() - Own.__annotations__
"""The options of a module alone."""


def python(spec: str, **options: Unpack[ObjectOptions]) -> Victim:
    """Return the victim that a Python module holds under a name. Importing it runs its code.

    Parameters
    ----------
    spec : str
        ``package.module:name``; the current folder is searched as well. The name may be a function
        from uint8 (n, h, w, 3) to n scores, a torch module from (n, 3, h, w) in [0, 1], or a
        victim.
    **options
        `score_range`, `lower_is_better` and `scale` as `Scale.declared` reads them; a victim
        brings its own, and takes `scale` alone. `normalise` and the others of preprocessing, see
        `as_victim`. Of a torch module `exact`, see `TorchModule`, and `checkpoint`, weights that a
        copy of it is given.

    Raises
    ------
    InputError
        If the module cannot be imported, or holds nothing usable under the name.
    """
    value = import_object(f"python:{spec}")
    if isinstance(value, str | type):
        raise InputError(
            f"python:{spec}: this is a {type(value).__name__}; name a function, a torch module "
            "that is made already, or a victim."
        )
    # A victim has a name of its own; whatever else it is, people gave it the one it is held under.
    name = {} if isinstance(value, Victim) else {"name": spec.rpartition(":")[2]}
    return apart(wrap(value, {**options, **name}), state_of(f"python:{spec}"))


class Wrapped:
    """A victim that is another one but for a part."""

    def __init__(self, victim: Victim) -> None:
        self._victim = victim

    @property
    def card(self) -> Card:
        """The victim's card."""
        return self._victim.card

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self._victim.score(pictures)

    def __getattr__(self, attribute: str) -> Any:
        """Return an attribute that only some victims have, as `gradient`."""
        if attribute.startswith("_"):  # as when it is copied, before it has a victim
            raise AttributeError(attribute)
        return getattr(self._victim, attribute)


class Named(Wrapped):
    """A victim whose card has a name of the user's: two of one kind are told apart by it.

    Parameters
    ----------
    victim : Victim
        The victim, of which everything else is.
    name : str
        Its name in results.
    """

    def __init__(self, victim: Victim, name: str) -> None:
        super().__init__(victim)
        self._name = name

    @property
    def card(self) -> Card:
        """The victim's card, with the name."""
        return replace(self._victim.card, name=self._name)


class Scaled(Wrapped):
    """A victim with another scale than that which it brings, as a fitted one.

    Parameters
    ----------
    victim : Victim
        The victim, of which everything else is.
    scale : Scale
        Its scale from now on.
    """

    def __init__(self, victim: Victim, scale: Scale) -> None:
        super().__init__(victim)
        self._scale = scale

    @property
    def card(self) -> Card:
        """The victim's card, with the scale."""
        return replace(self._victim.card, scale=self._scale)


class Foreign(Wrapped):
    """A victim of others' code, which finds the process as it left it, and leaves it as it was.

    Parameters
    ----------
    victim : Victim
        The victim.
    state : Apart
        The state that its code is run in.
    """

    def __init__(self, victim: Victim, state: Apart) -> None:
        super().__init__(victim)
        self._state = state

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        with self._state.entered():
            return self._victim.score(pictures)

    def __getattr__(self, attribute: str) -> Any:
        """Return an attribute that only some victims have; a method runs in the state, too."""
        return self._state.running(super().__getattr__(attribute))


def name_victim(victim: Victim, name: str | None) -> Victim:
    """Return a victim under a name; as it is where that is None.

    Raises
    ------
    InputError
        If the name is empty.
    """
    if name is None:
        return victim
    refuse_unless(bool(str(name).strip()), "A victim's name has a letter or more", repr(name))
    return cast("Victim", Named(victim, name))


def rescaled(victim: Victim, scale: Scale) -> Victim:
    """Return a victim with the scale that an audit settled on, where its own is of a range alone.

    Where that is no such scale, or is of another range or direction, it is returned as it is.
    """
    own = victim.card.scale
    ends = (own.low, own.high, own.lower_is_better)
    alike = ends == (scale.low, scale.high, scale.lower_is_better)
    takes = own.basis == RANGE and scale.basis != RANGE and alike
    return cast("Victim", Scaled(victim, scale)) if takes else victim


def apart(victim: Victim, state: Apart | None = None) -> Victim:
    """Return a victim of others' code, run in a state of its own; in one given where it has one."""
    return cast("Victim", Foreign(victim, state or Apart()))
