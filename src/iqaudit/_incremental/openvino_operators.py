"""Operators as OpenVINO takes them, or takes them faster: nodes that do the same otherwise."""

import math

import torch

from iqaudit._incremental.nodes import Node, arguments, operator_name, pair

aten = torch.ops.aten

BLOCK = 16
"""Channels that OpenVINO lays side by side for an average, however few there are: of a picture's
three it makes sixteen, there and in what comes next."""

PIECES = "iqaudit_pieces"
"""A node's note: what it cuts into pieces, the sides of that with them, and their order."""


def plainer(node: Node) -> Node:
    """Have a node call the operator that OpenVINO knows, where it does the same."""
    name = operator_name(node)
    if name in ("view", "_unsafe_view"):  # which ask for a layout that inputs need not have
        node.target = aten.reshape.default
    elif name == "conv2d":
        names = "x weight bias stride padding dilation groups"
        defaults = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        it = arguments(node, names, **defaults)
        if not isinstance(it["padding"], str):
            window = ([*pair(it[key])] for key in ("stride", "padding", "dilation"))
            node.target, node.kwargs = aten.convolution.default, {}
            ends = (False, [0, 0], it["groups"])
            node.args = (it["x"], it["weight"], it["bias"], *window, *ends)
    elif name == "pad":
        it = arguments(node, "x pad mode value", mode="constant", value=None)
        if it["mode"] == "constant":
            node.target, node.kwargs = aten.constant_pad_nd.default, {}
            node.args = (it["x"], it["pad"], it["value"] or 0)
    elif name == "avg_pool2d":
        _as_convolution(node)
    return node


def _as_convolution(node: Node) -> None:
    """Have an average be a convolution of each channel, where that does the same.

    One of few channels, or with a divisor of its own, which OpenVINO knows nothing of.
    """
    shape = node.meta["val"].shape
    names = "x kernel stride padding ceil_mode count_include_pad divisor_override"
    defaults = {"stride": None, "padding": 0, "divisor_override": None}
    it = arguments(node, names, **defaults, ceil_mode=False, count_include_pad=True)
    kernel, padding = pair(it["kernel"]), pair(it["padding"])
    own = it["divisor_override"]
    few, even = shape[-3] < BLOCK, it["count_include_pad"] or not any(padding)
    if not (own or (few and even)) or it["ceil_mode"]:
        return
    share = 1 / (own or math.prod(kernel))
    with node.graph.inserting_before(node):
        weight = node.graph.call_function(aten.full.default, ([shape[-3], 1, *kernel], share))
    stride = pair(it["stride"]) if it["stride"] else kernel
    node.target, node.kwargs = aten.convolution.default, {}
    window = [*stride], [*padding], [1, 1]
    node.args = (it["x"], weight, None, *window, False, [0, 0], shape[-3])


def as_reshape(node: Node, shape: tuple[int, ...]) -> None:
    """Have pieces that do not overlap be a reshape and a permutation; of several axes, one each.

    `shape` is that of what is cut.
    """
    source, axis, size, step = node.args
    axis %= len(shape)
    node.args = (source, axis, size, step)  # it takes none from the last on
    if size != step or shape[axis] % size:
        return
    root, sides, order = source.meta.get(PIECES, (source, [*shape], [*range(len(shape))]))
    place = order[axis]
    sides = [*sides[:place], sides[place] // size, size, *sides[place + 1 :]]
    order = [*(each + (each > place) for each in order), place + 1]
    with node.graph.inserting_before(node):
        split = node.graph.call_function(aten.reshape.default, (root, sides))
    node.target, node.args = aten.permute.default, (split, order)
    node.meta[PIECES] = root, sides, order
