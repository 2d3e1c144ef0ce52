"""ONNX networks of every layout, type and output that exporters write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit.testing import synthetic_picture
from iqaudit.victims import as_victim

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

PICTURE = synthetic_picture(24, 28, 0)

WEIGHTS = np.array([0.2, 0.5, 0.3])
"""Of the channels, so that a network which takes another axis for them is told."""

SCORE = float((PICTURE / 255 @ WEIGHTS).mean())


def network(
    file: Path,
    shape: Sequence[Any],
    *,
    kind: str = "FLOAT",
    scale: float = 1.0,
    last: bool = False,
    softmax: bool = True,
    weighted: bool = True,
) -> str:
    """Write a network and return its victim.

    Its outputs: `score`, the mean of the channels' weighted sum, times `scale`; and `shares`, of
    which the second of three bins has that much, and the third the rest.
    """
    h, types = onnx.helper, onnx.TensorProto
    weights = WEIGHTS if last else WEIGHTS.reshape(3, 1, 1)
    weights = weights if weighted else np.ones(1)
    constants = {"weights": 3 * weights * scale, "none": np.zeros((1, 1)), "one": np.ones((1, 1))}
    nodes = [
        h.make_node("Cast", ["x"], ["floats"], to=types.FLOAT),
        h.make_node("Mul", ["floats", "weights"], ["weighted"]),
        h.make_node("ReduceMean", ["weighted"], ["score"], axes=[1, 2, 3], keepdims=0),
        h.make_node("Unsqueeze", ["score", "axis"], ["column"]),
        h.make_node("Sub", ["one", "column"], ["rest"]),
        h.make_node("Mul", ["column", "none"], ["empty"]),
        h.make_node("Concat", ["empty", "column", *(["rest"] if softmax else [])], ["s"], axis=1),
        h.make_node("Identity", ["s"], ["shares"]),
    ]
    initial = [
        onnx.numpy_helper.from_array(value.astype(np.float32), name)
        for name, value in constants.items()
    ]
    initial.append(onnx.numpy_helper.from_array(np.array([1]), "axis"))
    graph = h.make_graph(
        nodes,
        "net",
        [h.make_tensor_value_info("x", getattr(types, kind), shape)],
        [
            h.make_tensor_value_info("score", types.FLOAT, [shape[0]]),
            h.make_tensor_value_info("shares", types.FLOAT, [shape[0], "bins"]),
        ],
        initial,
    )
    opset = [h.make_opsetid("", 13)]
    onnx.save(h.make_model(graph, opset_imports=opset, ir_version=8), file)
    return f"onnx:{file}"


def scored(victim: str, **options: Any) -> float:
    options = {"score_range": (0, 1), **options}
    return iqaudit.score(PICTURE, victim, **options)[0].score


SHAPES: dict[str, Sequence[Any]] = {
    "fixed": [1, 3, 24, 28],
    "sizes": ["n", 3, "h", "w"],
    "symbols": ["batch", "channels", "height", "width"],
    "numbers": [None, None, None, None],
    "channels last": ["n", "h", "w", 3],
    "fixed, channels last": [1, 24, 28, 3],
    "four at once": [4, 3, 24, 28],
}


@pytest.mark.parametrize("name", SHAPES)
def test_pictures_are_given_in_the_layout_that_the_file_tells(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    victim = network(tmp_path / "net.onnx", shape, last=shape[3] == 3)
    assert scored(victim) == pytest.approx(SCORE, abs=1e-6)
    [result] = iqaudit.attack([PICTURE], victim, score_range=(0, 1), queries=4)
    assert result.queries == 4


def test_a_layout_that_no_file_tells_is_said(tmp_path: Path) -> None:
    victim = network(tmp_path / "net.onnx", ["n", "h", "w", "c"], last=True)
    assert scored(victim, layout="nhwc") == pytest.approx(SCORE, abs=1e-6)
    assert scored(f"{victim},layout=nhwc") == pytest.approx(SCORE, abs=1e-6)
    with pytest.raises(VictimError, match="say layout=nhwc if it takes"):
        scored(victim)
    with pytest.raises(InputError, match="layout is nchw or nhwc, not 'hwcn'"):
        scored(victim, layout="hwcn")


def test_sizes_that_a_file_fixes_are_the_only_ones(tmp_path: Path) -> None:
    victim = as_victim(network(tmp_path / "net.onnx", [1, 3, 24, 28]), score_range=(0, 1))
    assert victim.card.size == (24, 28)
    with pytest.raises(InputError, match="takes 28 x 24 alone"):
        iqaudit.score(synthetic_picture(28, 24, 0), victim)
    assert all(each.check != "answers" for each in iqaudit.check(victim))
    square = as_victim(network(tmp_path / "net.onnx", ["n", 3, 32, "w"]), score_range=(0, 1))
    assert (square.card.size, square.card.smallest_side, square.card.largest_side) == (
        (32, 32),
        32,
        32,
    )


@pytest.mark.parametrize(
    ("kind", "scale", "ends", "exact"),
    [
        ("FLOAT", 1.0, None, 1e-6),
        ("FLOAT16", 1.0, None, 1e-3),
        ("DOUBLE", 1.0, None, 1e-6),
        ("UINT8", 1 / 255, None, 1e-6),
        ("FLOAT", 1 / 255, (0, 255), 1e-6),
        ("FLOAT16", 1 / 255, (0, 255), 1e-3),
    ],
)
def test_pictures_have_the_type_and_the_range_of_the_input(
    kind: str, scale: float, ends: Any, exact: float, tmp_path: Path
) -> None:
    victim = network(tmp_path / "net.onnx", ["n", 3, "h", "w"], kind=kind, scale=scale)
    assert scored(victim, input=ends) == pytest.approx(SCORE, abs=exact)
    if ends:
        assert scored(f"{victim},input=0:255") == pytest.approx(SCORE, abs=exact)


def test_the_usual_values_are_those_of_a_division_by_255(tmp_path: Path) -> None:
    """To the last bit, for a score hangs on it."""
    levels = np.arange(256, dtype=np.uint8)
    kinds: dict[str, Any] = {"FLOAT": np.float32, "FLOAT16": np.float16, "DOUBLE": np.float64}
    for kind, number in kinds.items():
        victim: Any = as_victim(
            network(tmp_path / f"{kind}.onnx", ["n", 3, "h", "w"], kind=kind), score_range=(0, 1)
        )
        table: NDArray[Any] = victim._levels
        np.testing.assert_array_equal(table, levels.astype(number) / number(255))


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.onnx: there is no such file\.$"):
        as_victim(f"onnx:{tmp_path / 'gone.onnx'}", score_range=(0, 1))


def test_a_distribution_is_its_mean(tmp_path: Path) -> None:
    victim = network(tmp_path / "net.onnx", ["n", 3, "h", "w"])
    expected = SCORE * 3 + (1 - SCORE) * 5
    options: dict[str, Any] = {"field": "shares", "bins": (1, 5), "score_range": None}
    assert scored(victim, **options) == pytest.approx(expected, abs=1e-5)
    assert scored(f"{victim},field=1,bins=1:5", score_range=None) == pytest.approx(expected)
    assert scored(victim, **options | {"bins": (5, 1)}) == pytest.approx(6 - expected)
    card = as_victim(f"{victim},field=1,bins=1:5").card
    assert (card.scale.low, card.scale.high) == (1, 5)
    batch: Any = np.stack([PICTURE, 255 - PICTURE])
    assert as_victim(f"{victim},field=1,bins=1:5").score(batch) == pytest.approx(
        [expected, (1 - SCORE) * 3 + SCORE * 5], abs=1e-5
    )


def test_what_is_refused_says_the_option_that_mends_it(tmp_path: Path) -> None:
    victim = network(tmp_path / "net.onnx", ["n", 3, "h", "w"])
    with pytest.raises(InputError, match=r"say bins=LOW:HIGH.* field=NAME \(score, shares\)"):
        scored(victim, field="shares")
    with pytest.raises(InputError, match='no output is "mos"; field is one of score, shares'):
        scored(victim, field="mos")
    with pytest.raises(InputError, match="bins is two numbers that differ"):
        scored(victim, bins=(1, 1))
    with pytest.raises(InputError, match="input is two numbers that differ"):
        scored(victim, input=(0, 0))
    logits = network(tmp_path / "logits.onnx", ["n", 3, "h", "w"], softmax=False)
    with pytest.raises(VictimError, match=r'"shares" is no distribution \(its 2 values add up to'):
        scored(logits, field="shares", bins=(1, 5))
    whole = network(tmp_path / "whole.onnx", ["n", 3, "h", "w"], kind="UINT8")
    with pytest.raises(InputError, match="leave input out"):
        scored(whole, input=(0, 1))
    for shape in ([1, 1, 24, 28], [1, 24, 28, 4]):
        odd = network(tmp_path / "odd.onnx", shape, weighted=False)
        with pytest.raises(InputError, match=r"layout=nchw or layout=nhwc .* not x \[1, "):
            scored(odd)
    with pytest.raises(InputError, match="is due"):
        scored(network(tmp_path / "net.onnx", [1, 24, 28, 3], last=True), layout="nchw")
