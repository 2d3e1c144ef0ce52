"""Any no-reference metric of pyiqa as a victim.

pyiqa is an extra, ``pip install 'iqaudit[pyiqa]'``, and not free for commercial use (PolyForm
Noncommercial 1.0.0); every card made here says so.
"""

import logging
import os
import pickle
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from iqaudit._core.errors import InputError, NoScaleError, unknown
from iqaudit._core.process import environment
from iqaudit._core.scale import Scale
from iqaudit._core.wording import worded
from iqaudit.victims._downloads import missing, patience
from iqaudit.victims._models.checkpoint import load_checkpoint
from iqaudit.victims._options import EXACT
from iqaudit.victims._torch import TorchModule, torch_device

LICENCE = "PolyForm Noncommercial: not for commercial use"

SMALLEST_SIDES = {"CNNIQA": 7, "DBCNN": 16, "PIQE": 8, "WaDIQaM": 33, "NIQE": 96, "LIQE": 224}
"""Pixels, by pyiqa's name of the architecture: a kernel, four halvings, a block or a patch, below
which the network fails or answers no number. The others enlarge what is small, or take any size."""

MORE_THAN_A_PICTURE = {
    "FID": "compares two sets of pictures",
    "InceptionScore": "scores a set of pictures",
    "CLIPScore": "needs a caption beside the picture",
}
"""No-reference metrics of pyiqa that no victim can be, by architecture."""

PROBE = (240, 256)
"""Height and width of the picture that the network and the public call must agree on: no side
below the largest of `SMALLEST_SIDES`, and not square, so that a transposition would show."""

AGREEMENT = 1e-6
"""Relative, of the network and the public call; on the CPU the two are equal."""

TOGETHER = 1e-4
"""Relative, of scores alone and in a batch: a GPU chooses other kernels for another size."""

SAFE_LOADING = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"""torch's switch for `torch.load`. pyiqa asks to run whatever code a file holds."""


class Pyiqa(TorchModule):
    """A no-reference metric of pyiqa, with the weights that pyiqa downloads for it.

    Queries go to the metric's network without the checks that pyiqa makes on every call, if both
    score a probe picture the same, and through pyiqa's public call if not.

    Parameters
    ----------
    name : str
        As ``pyiqa.list_models("NR")`` lists them.
    checkpoint : path, optional
        Other weights for its network.
    device : str
        Where torch computes, as ``"cpu"``, ``"cuda:0"``.
    score_range : (low, high), optional
        The native range, in place of the one that pyiqa states.
    lower_is_better : bool, optional
        The direction, in place of pyiqa's.
    unbounded : bool
        Whether scores may leave the range that is given; they may leave one that pyiqa estimates.
    scale : Scale, optional
        A fitted one, in place of all three.
    exact : {"incremental", "dense"}
        See `TorchModule`.

    Attributes
    ----------
    direct : bool
        Whether queries go to the network itself.

    Raises
    ------
    InputError
        If pyiqa is not installed or cannot be imported, has no such metric or one that needs more
        than a picture, states no range where none is given, or lacks a file it cannot download; or
        if the weights do not fit.
    """

    def __init__(
        self,
        name: str,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        score_range: tuple[float, float] | None = None,
        lower_is_better: bool | None = None,
        unbounded: bool = False,
        scale: Scale | None = None,
        exact: str = EXACT[0],
    ) -> None:
        library, configs = _library()
        config = _no_reference(name, configs)
        scale = _scale(name, config, score_range, lower_is_better, scale, unbounded=unbounded)
        where = torch_device(device)
        metric = _make(library, name, where)
        if checkpoint is not None:
            load_checkpoint(metric.net, checkpoint)
        self._net: nn.Module = metric.net
        self.direct = _agree(metric.net, metric, where)
        scorer = _Scorer(metric.net if self.direct else metric, where).eval()
        architecture = config["metric_opts"]["type"]
        super().__init__(
            scorer,
            scale,
            name=f"pyiqa:{name}",
            smallest_side=SMALLEST_SIDES.get(architecture, 1),
            note=f"pyiqa {library.__version__}, {LICENCE}",
            exact=exact,
        )
        if self.card.largest_batch is None and not _in_batches(scorer, where):
            self.card = replace(self.card, largest_batch=1, batch=1)

    @property
    def weights(self) -> nn.Module:
        """The part of the module whose state dict a checkpoint holds."""
        return self._net


class _Scorer(nn.Module):
    """A metric of pyiqa behind the inputs of `TorchModule`."""

    def __init__(self, metric: nn.Module, device: torch.device) -> None:
        super().__init__()
        # The first parameter says where pictures go and in which type: some metrics have none of
        # their own, and those with half-precision weights take single-precision pictures.
        self.like = nn.Parameter(torch.zeros((), device=device), requires_grad=False)
        self.metric = metric

    def forward(self, x: Tensor) -> Any:
        """Score (n, 3, h, w) in [0, 1] under the settings of pyiqa's public call."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            # Some networks view their activations in rows, which channels-last ones are not.
            return self.metric(x.contiguous())


def _library() -> tuple[Any, Mapping[str, Any]]:
    """Import pyiqa, and return it with its table of metrics."""
    try:
        with _quiet():
            library = import_module("pyiqa")
            configs = import_module("pyiqa.default_model_configs").DEFAULT_CONFIGS
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "pyiqa":
            raise InputError(
                "A pyiqa victim needs pyiqa, which is not installed: pip install 'iqaudit[pyiqa]' "
                f"({LICENCE})."
            ) from None
        raise InputError(
            f"pyiqa is installed but cannot be imported: {_first_line(error)}; "
            "pip install 'iqaudit[pyiqa]' in an environment of its own mends it."
        ) from error
    return library, configs


def _no_reference(name: str, configs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry of a metric in pyiqa's table, if it can score a picture alone."""
    kinds = {each: config["metric_opts"]["type"] for each, config in configs.items()}
    usable = [
        each
        for each, config in configs.items()
        if config.get("metric_mode") == "NR" and kinds[each] not in MORE_THAN_A_PICTURE
    ]
    if name in usable:
        config: Mapping[str, Any] = configs[name]
        return config
    if name not in configs:
        raise unknown("metric of pyiqa", name, usable)
    why = MORE_THAN_A_PICTURE.get(
        kinds[name], "is a full-reference metric: it compares a picture with its original"
    )
    raise InputError(f'pyiqa\'s "{name}" {why}, and a victim is given one picture alone.')


def _scale(
    name: str,
    config: Mapping[str, Any],
    score_range: tuple[float, float] | None,
    lower_is_better: bool | None,  # noqa: FBT001 - handed through from the constructor
    scale: Scale | None,
    *,
    unbounded: bool = False,
) -> Scale:
    """Return the scale that the caller says or, where the caller is silent, pyiqa."""
    lower = bool(config.get("lower_better") if lower_is_better is None else lower_is_better)
    if scale is not None:
        lower = bool(lower_is_better)
    if scale is not None or score_range is not None:
        whose = f'The victim "pyiqa:{name}"'
        return Scale.declared(
            whose,
            score_range=score_range,
            lower_is_better=lower,
            unbounded=unbounded,
            scale=scale,
        )
    stated = str(config.get("score_range"))
    ends = re.fullmatch(r"~?(-?[\d.]+), *~?(-?[\d.]+)", stated)
    if ends is None:
        raise NoScaleError(
            f'pyiqa states no range with two ends for "{name}" (it says "{stated}"): say one, '
            f"{worded('score_range=(low, high)', '--range LOW HIGH')}."
        )
    rough = "~" in stated
    source = f'the range that pyiqa states, "{stated}"'
    source += " (~: a rough estimate), not calibrated" if rough else ", not calibrated"
    low, high = map(float, ends.groups())
    known = Scale.from_range(low, high, lower_is_better=lower)
    return replace(known, source=source, fitted=rough or unbounded)


def _make(library: Any, name: str, device: torch.device) -> Any:
    """Return pyiqa's metric; an `InputError` names a file that it lacks."""
    safe = os.environ.get(SAFE_LOADING, "1")  # tensors and no code, unless the user said otherwise
    try:
        with _quiet(), patience(), environment(SAFE_LOADING, safe):
            return library.create_metric(name, device=device)
    except pickle.UnpicklingError as error:
        raise InputError(
            f'The weights of "pyiqa:{name}" are damaged, or hold more than tensors and would run '
            f"code when loaded; set {SAFE_LOADING}=0 if you trust them: {_first_line(error)}"
        ) from error
    except Exception as error:
        if lacks := missing(error):
            raise InputError(
                f'The victim "pyiqa:{name}" lacks {lacks} ({_first_line(error)}).'
            ) from error
        raise InputError(
            f'pyiqa cannot make its metric "{name}": {type(error).__name__}: {_first_line(error)}'
        ) from error


def _agree(network: nn.Module, metric: nn.Module, device: torch.device) -> bool:
    """Tell whether the network alone scores a picture as pyiqa's public call does."""
    [direct, public] = [
        _answers(_Scorer(each, device), _probes(device)[:1]) for each in (network, metric)
    ]
    return bool(direct) and np.allclose(direct, public, rtol=AGREEMENT, atol=0)


def _in_batches(scorer: nn.Module, device: torch.device) -> bool:
    """Tell whether two pictures score the same together as alone; some metrics take only one."""
    probes = _probes(device)
    alone = [*_answers(scorer, probes[:1]), *_answers(scorer, probes[1:])]
    together = _answers(scorer, probes)
    return len(alone) == len(together) == len(probes) and np.allclose(
        alone, together, rtol=TOGETHER, atol=0
    )


def _answers(scorer: nn.Module, pictures: Tensor) -> list[float]:
    """Return the scores, none where the metric refuses, as those do that look for a face."""
    with _quiet(), suppress(Exception), torch.no_grad():  # see `DensePass.score`
        return [float(score) for score in scorer(pictures).reshape(-1)]
    return []


def _probes(device: torch.device) -> Tensor:
    """Return two pictures, neither flat nor alike."""
    height, width = PROBE
    ramp = torch.linspace(0, 1, height * width, device=device).reshape(1, 1, height, width)
    ripple = torch.sin(ramp * torch.tensor([3e2, 5e3, 7e4], device=device).reshape(1, 3, 1, 1))
    probe = (ramp + ripple / 5).clamp(0, 1)
    return torch.cat([probe, probe.square().flip(3)])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pyiqa's reports off standard output, where results go, and its libraries' away."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.INFO))
    try:
        # The caller can mend nothing that they warn of.
        with redirect_stdout(sys.stderr), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
