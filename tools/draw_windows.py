"""The figure docs/explanation/windows.png: two changed squares that grow through DB-CNN's trunk.

python tools/draw_windows.py
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import torch
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from iqaudit._incremental.network import read
from iqaudit._incremental.operators import INPUT, AnyStep
from iqaudit._incremental.plan import Planner
from iqaudit._incremental.recording import record
from iqaudit.victims._spec import as_victim

HEIGHT, WIDTH, SIDE = 384, 512, 8
PLACES = ((90, 110), (250, 370))
WIDEST = 512
"""Channels: the content trunk's last maps; the other has fewer."""

STEPS = (2, 3, 6, 10, 14, 17)
"""Which of the trunk's steps, counted from its first convolution."""


def main() -> None:
    """Draw the figure."""
    net = as_victim("dbcnn", untrained=True).module  # type: ignore[attr-defined]
    network = read(record(net, torch.zeros(1, 3, HEIGHT, WIDTH)))
    planner = Planner(network)
    down, across = planner.field(0, SIDE), planner.field(1, SIDE)
    trunk = _trunk(network.steps)
    chosen = [INPUT, *(trunk[i].name for i in STEPS if i < len(trunk)), trunk[-1].name]
    chosen = list(dict.fromkeys(chosen))
    figure, axes = plt.subplots(1, len(chosen), figsize=(2 * len(chosen), 2.1))
    for axis, name in zip(axes, chosen, strict=True):
        _, channels, height, width = network.shapes[name]
        rows, columns = down.spans[name], across.spans[name]
        axis.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], aspect="equal")
        axis.set_facecolor("#eceff4")
        for row, column in PLACES:
            corner = (columns.start[column], rows.start[row])
            axis.add_patch(Rectangle(corner, columns.size, rows.size, color="#c2410c"))
        share = len(PLACES) * rows.size * columns.size / (height * width)
        axis.set_title(f"{height} x {width} x {channels}", fontsize=8)
        axis.set_xlabel(f"{rows.size} x {columns.size} cells: {share:.2%}", fontsize=8)
    figure.tight_layout()
    figure.savefig(Path(__file__).parents[1] / "docs/explanation/windows.png", dpi=110)


def _trunk(steps: tuple[AnyStep, ...]) -> list[AnyStep]:
    """Return the content trunk: all steps on the way to its last convolution."""
    by_name = {step.name: step for step in steps}
    step: AnyStep | None = [step for step in steps if step.shape[1] == WIDEST][-1]
    trunk = []
    while step is not None:
        trunk.append(step)
        step = by_name.get(step.inputs[0])
    return trunk[::-1]


if __name__ == "__main__":
    main()
