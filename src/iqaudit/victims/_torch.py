"""A torch module as a victim."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from iqaudit._core.errors import InputError
from iqaudit._core.patches import Window, whole
from iqaudit._core.scale import Scale
from iqaudit._core.stream import Stream
from iqaudit._incremental.dense_pass import evaluating
from iqaudit._incremental.rescorer import Rescorer
from iqaudit._incremental.session import Session
from iqaudit.victims._base import Card
from iqaudit.victims._options import EXACT, Preprocessed
from iqaudit.victims._prepared import Prepared, prepare
from iqaudit.victims._preprocessing import Preprocessing, ends

BATCH = 16
"""Pictures whose searches share a call on a GPU, which one picture leaves half idle."""

WORTH_READING = 100
"""Scores: a shorter search is not worth reading a network's graph, which takes seconds."""


def torch_device(name: str) -> torch.device:
    """Return a device by its name, as ``cuda:1``; an `InputError` where torch has none such."""
    try:
        return torch.zeros((), device=name).device
    except (AssertionError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(f'torch has no device "{name}" here: {first}.') from error


@contextmanager
def as_loaded() -> Iterator[None]:
    """Make a network of ours as torch does when it was just loaded, whatever its user set since.

    Another type or device by default would make it another scorer. Its first weights are drawn
    without a trace in the user's random numbers.
    """
    kind = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with (
            torch.device("cpu"),
            torch.inference_mode(mode=False),
            torch.random.fork_rng(devices=[]),
        ):
            yield
    finally:
        torch.set_default_dtype(kind)


class TorchModule:
    """A ``torch.nn.Module`` that scores pictures.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a tensor (n, 3, height, width) in [0, 1], RGB, on the device and in the type of its
        own parameters, and returns n scores. It scores in eval mode, with the weights that it has
        then; afterwards each of its parts is in the mode that it was in.
    scale : Scale
        Native range and direction; ``Scale.from_range(low, high)`` where nothing was fitted.
    name : str, optional
        Of the victim in results; the class's name by default.
    smallest_side : int
        Pixels.
    note : str
        A condition that goes with its scores: a licence, untrained weights.
    window : callable
        The part of a picture that it looks at; see `Card`.
    exact : {"incremental", "dense"}
        Whether a search scores again only what a query changes, or whole pictures. The scores are
        the same but for rounding.
    **preprocessed
        What becomes of the picture before the module takes it, and of its answer: `normalise`
        ("imagenet", or means and deviations), `resize`, `crop`, `colour`, `input` and `bins`, as
        `as_victim` describes them.

    Raises
    ------
    InputError
        If `exact` is neither, or a keyword is no such value.
    """

    def __init__(
        self,
        module: nn.Module,
        scale: Scale,
        *,
        name: str | None = None,
        smallest_side: int = 1,
        note: str = "",
        window: Callable[[int, int], Window] = whole,
        exact: str = EXACT[0],
        **preprocessed: Unpack[Preprocessed],
    ) -> None:
        if exact not in EXACT:
            raise InputError(f"exact is {' or '.join(EXACT)}, not {exact!r}.")
        bins = preprocessed.get("bins")
        self.preprocessing = Preprocessing.of(preprocessed)
        self.network = module
        module = prepare(module, self.preprocessing, None if bins is None else ends("bins", bins))
        self.module = module
        self.rescorer = Rescorer(module, scale.spread, self._add_note)
        self._incremental = exact == "incremental"
        name = name or type(self.network).__name__
        card = Card(
            name,
            scale,
            smallest_side=smallest_side,
            note=note,
            window=window,
            # However it is asked to score, so that a search is the same but for rounding.
            incremental=True,
        )
        self._card = self._placed(self._seen(card))

    def _seen(self, card: Card) -> Card:
        """Return a card of the network as that of the pictures which are brought to it."""
        return self.preprocessing.described(card)

    @property
    def card(self) -> Card:
        """Its description, which follows the module to another device."""
        if self._card.device != str(self.rescorer.dense.like.device):
            self._card = self._placed(self._card)
        return self._card

    @card.setter
    def card(self, card: Card) -> None:
        self._card = card

    def _placed(self, card: Card) -> Card:
        """Return a card for the device that the module is on."""
        device = self.rescorer.dense.like.device
        # On a CPU a batch gains nothing (its activations leave the caches), and one picture a pass
        # keeps a score's last bits from depending on its neighbours.
        together = device.type != "cpu"
        return replace(
            card,
            device=str(device),
            largest_batch=None if together else 1,
            batch=BATCH if together else 1,
        )

    @property
    def weights(self) -> nn.Module:
        """The part of the module whose state dict a checkpoint holds: all but preprocessing."""
        return self.network

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`.

        Raises
        ------
        TypeError
            If the module returns anything but a tensor of real scores.
        """
        with torch.no_grad():  # see `DensePass.score`
            scores: Any = self.rescorer.dense(self.rescorer.dense.tensor(pictures))
        if not isinstance(scores, Tensor) or scores.is_complex():
            kind = scores.dtype if isinstance(scores, Tensor) else type(scores).__name__
            raise TypeError(f"the module must return a tensor of real scores, not {kind}")
        # (n, 1), (n, 1, 1, 1) and a lone () are n scores; a map of them is refused by `as_numbers`.
        flat = scores.reshape(-1) if scores.numel() == len(pictures) else scores
        if isinstance(self.module, Prepared) and flat.isnan().any():
            self._refuse_no_distribution(self.module, pictures)
        return np.asarray(flat.detach().double().cpu().numpy())

    def _refuse_no_distribution(self, module: Prepared, pictures: NDArray[np.uint8]) -> None:
        """Raise the `VictimError` of an answer that bins do not go with."""
        with torch.no_grad(), evaluating(module):
            answer = module.network(module.before(self.rescorer.dense.tensor(pictures)))
        module.refuse_no_distribution(answer, self.card.name)

    def gradient(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the gradient of a picture's score by its levels, (height, width, 3).

        Raises
        ------
        TypeError
            If the module's score does not depend on the picture differentiably.
        """
        with torch.enable_grad():
            x = self.rescorer.dense.tensor(picture[None]).requires_grad_()
            scores = self.rescorer.dense(x)
            if not (isinstance(scores, Tensor) and scores.requires_grad):
                raise TypeError("its score has no gradient")
            [slope] = torch.autograd.grad(scores.sum(), x)
        return (slope[0].permute(1, 2, 0).float() / 255).cpu().numpy()

    def open_session(
        self, height: int, width: int, scores: int, stream: Stream | None = None
    ) -> Session | None:
        """Begin a search; see `iqaudit.victims._base.open_session`."""
        del stream  # it draws nothing
        worth = self._incremental and scores >= WORTH_READING
        return self.rescorer.open(height, width) if worth else None

    def incremental(self, height: int, width: int) -> str:
        """Return a sentence on how much of a search's work is done again only where it changes.

        Parameters
        ----------
        height, width : int
            The picture's, in pixels.
        """
        if not self._incremental:
            return "Every query is a dense pass, as was asked for."
        return self.rescorer.describe(height, width)

    def _add_note(self, text: str) -> None:
        self.card = self.card.noting(text)
