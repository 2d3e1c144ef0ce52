"""A network in ONNX Runtime as a victim."""

import math
from dataclasses import replace
from os import PathLike
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError, VictimError, foreign
from iqaudit._core.paths import located
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Card
from iqaudit.victims._options import LAYOUTS, Own, Preprocessed
from iqaudit.victims._preprocessing import UNIT, Preprocessing, ends, mean_of_bins, with_range
from iqaudit.victims._registry import load

PICTURE_AXES = 4

TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}

WHOLE = (0.0, 255.0)
"""The values of black and white in whole levels."""


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
    field : str or int, optional
        The output that has the scores, by its name or its place from 0; the first unless given.
    **own
        The score's range or scale, `score_range`, `lower_is_better` and `unbounded` or `scale`, as
        `Scale.declared` reads them; one of the two is needed, but with `bins`, the scores of the
        first and the last bin where that output is a distribution over scores, as a softmax. And
        `normalise`, `resize`, `crop`, `colour` and `input`, see `as_victim`.

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
        field: str | int | None = None,
        **own: Unpack[Own],
    ) -> None:
        prepared = {key: own.pop(key) for key in Preprocessed.__annotations__ if key in own}  # type: ignore[misc]
        self._bins, declared = with_range(prepared.get("bins"), own)
        self._preprocessing = Preprocessing.of(prepared)
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
        due = self._preprocessing.channels
        last = layout == "nhwc" or (layout is None and sizes[3] == due and sizes[1] != due)
        self._last = last
        batch, (height, width) = sizes[0], sizes[1:3] if last else sizes[2:4]
        if sizes[3 if last else 1] not in (due, None):
            raise self._unfit(inputs)
        self._levels = self._levels_of(inputs[0].type, prepared.get("input"))
        self._name, self._times = inputs[0].name, batch or 1
        self._output = self._output_of(field)
        size = (height or width or 0, width or height or 0)  # one that it fixes is that of both
        # One picture a call unless the file says otherwise: on a CPU more gain nothing, and a
        # score's last bits would depend on its neighbours.
        card = Card(
            f"onnx:{file}",
            scale,
            smallest_side=max(1, min(size)),
            largest_side=max(size) or None,
            largest_batch=1 if device == "cpu" or batch else None,
            device=device,
            size=size if size[0] else None,
        )
        self.card = self._preprocessing.described(card)

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`.

        Raises
        ------
        VictimError
            If it fails in a way that an option may mend.
        """
        batch = self._values(pictures)
        batch = batch if self._last else batch.transpose(0, 3, 1, 2)
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
            whose = f'The victim "{self.card.name}": the output "{self._output}"'
            return mean_of_bins(answer, len(pictures), self._bins, whose)
        if answer.size != len(pictures):
            why = self._no_score(self._output, answer.shape)
            raise VictimError(f'The victim "{self.card.name}": {why}')
        return answer.reshape(-1)

    def _values(self, pictures: NDArray[np.uint8]) -> NDArray[Any]:
        """Return pictures as the network takes them, channels last."""
        way = self._preprocessing
        if replace(way, ends=UNIT) == Preprocessing():
            return self._levels[pictures]  # to the last digit
        whole = self._levels.dtype == np.uint8
        values: NDArray[Any] = load("arrays")(pictures, way, whole=whole)
        return values.astype(self._levels.dtype)

    def _levels_of(self, kind: str, values: tuple[float, float] | None) -> NDArray[Any]:
        """Return the network's value of each of the 256 levels."""
        if kind not in TYPES:
            raise InputError(f"{self._file}: the input is {kind}; floats or uint8 are due.")
        whole = TYPES[kind] is np.uint8
        given = ends("input", values or (WHOLE if whole else (0, 1)))
        if whole and given != WHOLE:
            raise InputError(f"{self._file}: the input is uint8, 0 to 255; leave input out.")
        if whole and self._preprocessing.moments:
            raise InputError(f"{self._file}: the input is uint8, 0 to 255; leave normalise out.")
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
    # One a picture, as torch has: several would wait for each other in loops on a busy machine.
    options.intra_op_num_threads = 1
    settings = {"device_id": number} if number else {}
    path = located(file)
    if not path.exists():
        raise InputError(f"{file}: there is no such file.")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[(provider, settings)])
    except Exception as error:  # noqa: BLE001 (ONNX Runtime raises classes of its own)
        raise InputError(f"{file}: ONNX Runtime cannot load this ({foreign(error)}).") from None
    if session.get_providers()[0] != provider:
        raise InputError(f'onnx: this ONNX Runtime cannot compute on "{device}" here.')
    return session
