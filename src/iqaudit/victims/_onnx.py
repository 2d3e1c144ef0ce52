"""A network in ONNX Runtime as a victim."""

import os
from os import PathLike
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Card
from iqaudit.victims._options import Declared

PICTURE_AXES = 4

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class Onnx:
    """An ONNX file: one input, (n, 3, height, width), RGB in [0, 1]; first output, n scores.

    Parameters
    ----------
    file : path
        The network. Sizes that it fixes are the only ones that it takes.
    device : str
        Where it computes: ``cpu``, or ``cuda`` or ``cuda:1``, which need the package
        onnxruntime-gpu.
    **declared
        The score's range or scale, `score_range`, `lower_is_better` and `unbounded` or `scale`,
        as `Scale.declared` reads them; one of the two is needed.

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
        **declared: Unpack[Declared],
    ) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise InputError(
                "onnx: needs ONNX Runtime: pip install 'iqaudit[onnx]', or onnxruntime-gpu."
            ) from None
        scale = Scale.declared(f"onnx:{file}", **declared)
        kind, _, number = device.partition(":")
        provider = f"{kind.upper()}ExecutionProvider"
        if provider not in onnxruntime.get_available_providers():
            raise InputError(f'onnx: this ONNX Runtime has no "{device}".')
        options = onnxruntime.SessionOptions()
        # As torch does; an audit's workers, a core each, would have all cores each otherwise.
        threads = os.environ.get("OMP_NUM_THREADS", "")
        options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
        settings = {"device_id": number} if number else {}
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=[(provider, settings)]
            )
        except Exception as error:  # noqa: BLE001 (ONNX Runtime raises classes of its own)
            raise InputError(f"{file}: ONNX Runtime cannot load this ({error}).") from None
        if self._session.get_providers()[0] != provider:
            raise InputError(f'onnx: this ONNX Runtime cannot compute on "{device}" here.')
        inputs = self._session.get_inputs()
        shape: list[Any] = inputs[0].shape
        if len(inputs) != 1 or len(shape) != PICTURE_AXES or shape[1] not in (3, None):
            raise InputError(
                f"{file}: one input of (n, 3, height, width) is due, not "
                f"{', '.join(f'{each.name} {each.shape}' for each in inputs)}."
            )
        if inputs[0].type not in TYPES:
            raise InputError(f"{file}: the input is {inputs[0].type}; floats in [0, 1] are due.")
        self._name, self._type = inputs[0].name, TYPES[inputs[0].type]
        fixed = [size for size in shape[2:] if isinstance(size, int)]
        if len(set(fixed)) > 1:
            raise InputError(f"{file}: takes {fixed[1]} x {fixed[0]} pictures only; fix no size.")
        # One picture a call unless the file says otherwise: on a CPU more gain nothing, and a
        # score's last bits would depend on its neighbours.
        batch = shape[0] if isinstance(shape[0], int) else None
        if batch not in (1, None):
            raise InputError(f"{file}: takes {batch} pictures a call; make it one, or any number.")
        self.card = Card(
            f"onnx:{file}",
            scale,
            smallest_side=fixed[0] if fixed else 1,
            largest_side=fixed[0] if fixed else None,
            largest_batch=1 if device == "cpu" else batch,
            device=device,
        )

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        batch = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), self._type) / self._type(255)
        answer = np.asarray(self._session.run(None, {self._name: batch})[0], np.float64)
        return answer.reshape(-1) if answer.size == len(pictures) else answer
