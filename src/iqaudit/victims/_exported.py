"""A torch network in a file that has its operators along with its weights."""

import logging
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.paths import located
from iqaudit._core.scale import Scale
from iqaudit.victims._base import Card
from iqaudit.victims._models.checkpoint import load_checkpoint, refuse_damaged
from iqaudit.victims._options import EXACT, Own, Preprocessed
from iqaudit.victims._preprocessing import Preprocessing, with_range
from iqaudit.victims._torch import TorchModule, torch_device

PICTURE_AXES = 4


class Sizes(NamedTuple):
    """The heights or widths that a network takes, in pixels."""

    smallest: int
    largest: int | None


ANY = Sizes(1, None)


class Exported(TorchModule):
    """A file of torch.export.save or torch.jit.save, from pictures to scores.

    Its input is (n, 3, height, width), RGB in [0, 1], its output n scores. Loading it may run code
    that it holds, as importing a module does.

    Parameters
    ----------
    file : path
        The program. Sizes that it fixes are the only ones that it takes.
    checkpoint : path, optional
        Other weights for it, under its own tensors' names.
    device : str
        Where it computes.
    exact : {"incremental", "dense"}
        The way in which a search scores; see `TorchModule`.
    **own
        The score's range or scale, as `Scale.declared` reads them; one of the two is needed, but
        with `bins`. And `normalise` and the others of preprocessing, see `as_victim`.

    Raises
    ------
    InputError
        If a file is missing, damaged or no such program, or no scale is declared; or if the program
        holds its weights as constants, and is given others.
    """

    def __init__(
        self,
        file: str | PathLike[str],
        *,
        checkpoint: str | PathLike[str] | None = None,
        device: str = "cpu",
        exact: str = EXACT[0],
        **own: Unpack[Own],
    ) -> None:
        prepared = {key: own.pop(key) for key in Preprocessed.__annotations__ if key in own}  # type: ignore[misc]
        _, declared = with_range(prepared.get("bins"), own)
        scale = Scale.declared(f"torch:{file}", **declared)
        preprocessing = Preprocessing.of(prepared)
        where, path = torch_device(device), located(file)
        self._sides = (ANY, ANY)
        batch: int | None = None
        if _is_script(path):
            with _loading(file, "TorchScript"):
                module: nn.Module = torch.jit.load(path, map_location=where).eval()  # type: ignore[no-untyped-call]
        else:
            with _loading(file, "torch.export"):
                program = torch.export.load(path)
                if where.type != "cpu":
                    from torch.export.passes import move_to_device_pass

                    program = move_to_device_pass(program, where)
                module = program.module()
            batch, *sides = _taken(file, program, preprocessing.channels)
            self._sides = (sides[0], sides[1])
        if checkpoint is not None:
            load_checkpoint(module, checkpoint)
        super().__init__(
            module,
            scale,
            name=f"torch:{file}",
            smallest_side=min(each.smallest for each in self._sides),
            exact=exact,
            **prepared,
        )
        if batch == 1:
            self.card = replace(self.card, largest_batch=1, batch=1)

    def _seen(self, card: Card) -> Card:
        """Return its card, with the sizes that it takes."""
        (low, high), (least, most) = self._sides
        card = replace(
            card,
            largest_side=max(high, most) if high and most else None,
            size=(low, least) if (low, least) == (high, most) else None,
        )
        return super()._seen(card)

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`.

        Raises
        ------
        VictimError
            If it takes no pictures of their size.
        """
        sides = self.preprocessing.given(*pictures.shape[1:3])
        for side, (smallest, largest) in zip(sides, self._sides, strict=True):
            if not smallest <= side <= (largest or side):
                due = " x ".join(_said(each) for each in reversed(self._sides))
                raise VictimError(
                    f'The victim "{self.card.name}" takes pictures of {due}, not {sides[1]} x '
                    f"{sides[0]}."
                )
        return super().score(pictures)


def _is_script(file: str | PathLike[str]) -> bool:
    """Whether a file is one of torch.jit.save; an `InputError` where it is none of torch's."""
    if Path(file).is_dir():
        raise InputError(f"{file}: this is a folder; name the file in it.")
    try:
        with zipfile.ZipFile(file) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()} | {*archive.namelist()}
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file.") from None
    except Exception as error:  # noqa: BLE001 (a damaged file fails anywhere in zipfile)
        raise InputError(
            f"{file}: this is no file of torch.export.save or torch.jit.save, or it is damaged "
            f"({_first_line(error)})."
        ) from None
    refuse_damaged(file)
    if names & {"archive_format", "serialized_exported_program.json"}:
        return False
    if "constants.pkl" in names:
        return True
    raise InputError(
        f"{file}: this holds no program. Of weights alone say whose they are, as dbcnn,"
        f"checkpoint={file}; save another network by torch.export.save, or name it as python:."
    )


@contextmanager
def _loading(file: str | PathLike[str], what: str) -> Iterator[None]:
    """Have a failure in torch as an `InputError`, and keep its log lines away."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the error says it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the caller can mend nothing that they warn of
            yield
    except Exception as error:  # noqa: BLE001 (a damaged file fails anywhere in torch)
        # Where torch has told its reasons in log lines alone, there is nothing to repeat.
        reason = "" if "above" in str(error) else f" ({_first_line(error)})"
        raise InputError(
            f"{file}: {what} cannot load this: it is damaged, or of another version{reason}."
        ) from None
    finally:
        logging.disable(before)


def _taken(
    file: str | PathLike[str], program: Any, channels: int
) -> tuple[int | None, Sizes, Sizes]:
    """Return the batch that a program fixes, if any, and the heights and widths that it takes."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    inputs = [values[name] for name in program.graph_signature.user_inputs if name in values]
    shapes = [tuple(each.shape) for each in inputs if isinstance(each, torch.Tensor)]
    one = len(inputs) == len(shapes) == 1 and len(shapes[0]) == PICTURE_AXES
    if not (one and inputs[0].is_floating_point() and shapes[0][1] in (channels, None)):
        listed = ", ".join(str(list(shape)) for shape in shapes) or "none"
        due = f"(n, {channels}, height, width)"
        raise InputError(f"{file}: one input of {due}, floats in [0, 1], is due, not {listed}.")
    batch, _, height, width = (_sizes(side, program.range_constraints) for side in shapes[0])
    if batch.smallest > 1 and batch.smallest == batch.largest:
        raise InputError(
            f"{file}: takes {batch.largest} pictures a call; make it one, or any number."
        )
    return batch.largest, height, width


def _sizes(side: Any, constraints: Any) -> Sizes:
    """Return the sizes of an axis: a number, or a symbol between constraints."""
    if isinstance(side, int):
        return Sizes(side, side)
    span = constraints.get(side.node.expr)
    if span is None:
        return ANY
    largest = int(span.upper) if span.upper.is_finite and span.upper < 2**31 else None
    return Sizes(max(1, int(span.lower)), largest)


def _said(sizes: Sizes) -> str:
    smallest, largest = sizes
    if largest is None:
        return f"{smallest} or more"
    return str(smallest) if smallest == largest else f"{smallest} to {largest}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().partition("\n")[0] or type(error).__name__)[:300].rstrip(".")
