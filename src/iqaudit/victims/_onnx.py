"""A network in ONNX Runtime as a victim."""

import math
import os
from os import PathLike
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError, VictimError, foreign
from iqaudit._core.paths import located
from iqaudit._core.scale import Scale
from iqaudit._core.settings import two_numbers
from iqaudit.victims._base import Card
from iqaudit.victims._options import LAYOUTS, Declared

PICTURE_AXES = 4

TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}

WHOLE = (0.0, 255.0)
"""The values of black and white in whole levels."""

SUM_TOLERANCE = 0.01
"""By which the shares of a distribution may miss 1: those of 16 bits add up roughly."""


class Onnx:
    """An ONNX file: one input, (n, 3, height, width) or (n, height, width, 3), and n scores.

    Pictures are RGB in [0, 1], or whole levels where the input is uint8.

    Parameters
    ----------
    file : path
        The network. Sizes that it fixes are the only ones that it takes; where it fixes the number
        of pictures a call, each is asked so many times at once.
    device : str
        Where it computes: ``cpu``, or ``cuda`` or ``cuda:1``, which need the package
        onnxruntime-gpu.
    layout : {"nchw", "nhwc"}, optional
        The order of the input's axes. Unless given, channels are where the file says 3, and second
        where it says nothing.
    pixel_range : (black, white), optional
        The values of black and white; ``(0, 255)`` for whole levels as floats.
    field : str or int, optional
        The output that has the scores, by its name or its place from 0; the first unless given.
    bins : (first, last), optional
        The scores of the first and the last bin where that output is a distribution over scores,
        as a softmax: the score is its mean.
    **declared
        The score's range or scale, `score_range`, `lower_is_better` and `unbounded` or `scale`, as
        `Scale.declared` reads them; one of the two is needed, but with `bins`, which are the range.

    Raises
    ------
    InputError
        If ONNX Runtime is missing, or the file is no such network.
    """

    def __init__(
        self,
        file: str | PathLike[str],
        *,
        device: str = "cpu",
        layout: str | None = None,
        pixel_range: tuple[float, float] | None = None,
        field: str | int | None = None,
        bins: tuple[float, float] | None = None,
        **declared: Unpack[Declared],
    ) -> None:
        self._bins = None if bins is None else _ends("bins", bins)
        if self._bins and declared.get("scale") is None and declared.get("score_range") is None:
            declared["score_range"] = (min(self._bins), max(self._bins))
        scale = Scale.declared(f"onnx:{file}", **declared)
        self._session = _session(file, device)
        self._file = file
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != PICTURE_AXES:
            raise self._unfit(inputs)
        sizes = [size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape]
        if layout not in (None, *LAYOUTS):
            raise InputError(f"layout is {' or '.join(LAYOUTS)}, not {layout!r}.")
        self._guessed = layout is None and sizes[1] is None and sizes[3] is None
        last = layout == "nhwc" or (layout is None and sizes[3] == 3 and sizes[1] != 3)  # noqa: PLR2004
        self._last = last
        batch, (height, width) = sizes[0], sizes[1:3] if last else sizes[2:4]
        if sizes[3 if last else 1] not in (3, None):
            raise self._unfit(inputs)
        self._levels = self._levels_of(inputs[0].type, pixel_range)
        self._name, self._times = inputs[0].name, batch or 1
        self._output = self._output_of(field)
        size = (height or width or 0, width or height or 0)  # one that it fixes is that of both
        # One picture a call unless the file says otherwise: on a CPU more gain nothing, and a
        # score's last bits would depend on its neighbours.
        self.card = Card(
            f"onnx:{file}",
            scale,
            smallest_side=max(1, min(size)),
            largest_side=max(size) or None,
            largest_batch=1 if device == "cpu" or batch else None,
            device=device,
            size=size if size[0] else None,
        )

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`.

        Raises
        ------
        VictimError
            If it fails in a way that an option may mend.
        """
        batch = self._levels[pictures if self._last else pictures.transpose(0, 3, 1, 2)]
        batch = np.ascontiguousarray(np.repeat(batch, self._times, axis=0))
        try:
            [answer] = self._session.run([self._output], {self._name: batch})
        except Exception as error:
            if not self._guessed:
                raise
            raise VictimError(
                f'The victim "{self.card.name}" failed: {foreign(error)}. Its file does not tell '
                "where the channels are: say layout=nhwc if it takes (n, height, width, 3)."
            ) from error
        answer = np.asarray(answer, np.float64)
        if answer.ndim and len(answer) == len(batch):
            answer = answer[:: self._times]
        if self._bins:
            return self._mean(answer, len(pictures), *self._bins)
        if answer.size != len(pictures):
            why = self._no_score(self._output, answer.shape)
            raise VictimError(f'The victim "{self.card.name}": {why}')
        return answer.reshape(-1)

    def _mean(
        self, answer: NDArray[np.float64], count: int, first: float, last: float
    ) -> NDArray[np.float64]:
        """Return the means of distributions."""
        shares = answer.reshape(count, -1)
        totals = shares.sum(axis=1)
        # Beyond what is no number, which is told as of any score.
        if (shares < -SUM_TOLERANCE).any() or (np.abs(totals - 1) > SUM_TOLERANCE).any():
            raise VictimError(
                f'The victim "{self.card.name}": the output "{self._output}" is no distribution '
                f"(its {shares.shape[1]} values add up to {totals[0]:.4g}), so bins do not go with "
                "it; it may lack a softmax."
            )
        means: NDArray[np.float64] = shares @ np.linspace(first, last, shares.shape[1]) / totals
        return means

    def _levels_of(self, kind: str, pixel_range: tuple[float, float] | None) -> NDArray[Any]:
        """Return the network's value of each of the 256 levels."""
        if kind not in TYPES:
            raise InputError(f"{self._file}: the input is {kind}; floats or uint8 are due.")
        whole = TYPES[kind] is np.uint8
        given = _ends("pixel_range", pixel_range or (WHOLE if whole else (0, 1)))
        if whole and given != WHOLE:
            raise InputError(f"{self._file}: the input is uint8, 0 to 255; leave pixel_range out.")
        black, white = given
        return (black + (white - black) * np.arange(256) / 255).astype(TYPES[kind])

    def _output_of(self, field: str | int | None) -> str:
        """Return the name of the output that has the scores."""
        outputs = self._session.get_outputs()
        known = {str(place): each for place, each in enumerate(outputs)}
        known |= {each.name: each for each in outputs}
        chosen = outputs[0] if field is None else known.get(str(field))
        if chosen is None:
            names = ", ".join(each.name for each in outputs)
            raise InputError(f'{self._file}: no output is "{field}"; field is one of {names}.')
        several = math.prod(size for size in chosen.shape[1:] if isinstance(size, int)) > 1
        if several and not self._bins:
            raise InputError(f"{self._file}: {self._no_score(chosen.name, chosen.shape)}")
        return str(chosen.name)

    def _no_score(self, output: str, shape: Any) -> str:
        """Say that the output has no score a picture, and what may mend it."""
        names = ", ".join(each.name for each in self._session.get_outputs())
        return (
            f'the output "{output}" of shape {list(shape)} is no score a picture: say '
            "bins=LOW:HIGH, the scores of the first and last bin, if it is a distribution over "
            f"scores, or another output by field=NAME ({names})."
        )

    def _unfit(self, inputs: Any) -> InputError:
        found = ", ".join(f"{each.name} {each.shape}" for each in inputs)
        return InputError(
            f"{self._file}: one input of (n, 3, height, width) or (n, height, width, 3) is due, "
            f"which layout=nchw or layout=nhwc tells apart; not {found}."
        )


def _ends(name: str, ends: Any) -> tuple[float, float]:
    """Return two numbers that differ."""
    try:
        first, last = map(float, two_numbers(ends))
    except TypeError:
        first = last = math.nan
    if not (math.isfinite(first) and math.isfinite(last) and first != last):
        raise InputError(f"{name} is two numbers that differ, not {ends!r}.")
    return first, last


def _session(file: str | PathLike[str], device: str) -> Any:
    """Load a network."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError(
            "onnx: needs ONNX Runtime: pip install 'iqaudit[onnx]', or onnxruntime-gpu."
        ) from None
    kind, _, number = device.partition(":")
    provider = f"{kind.upper()}ExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise InputError(f'onnx: this ONNX Runtime has no "{device}".')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised as well
    # As torch does; an audit's workers, a core each, would have all cores each otherwise.
    threads = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
    settings = {"device_id": number} if number else {}
    try:
        session = onnxruntime.InferenceSession(
            str(located(file)), options, providers=[(provider, settings)]
        )
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 (ONNX Runtime raises classes of its own)
        raise InputError(f"{file}: ONNX Runtime cannot load this ({foreign(error)}).") from None
    if session.get_providers()[0] != provider:
        raise InputError(f'onnx: this ONNX Runtime cannot compute on "{device}" here.')
    return session
