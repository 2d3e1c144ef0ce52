"""Victims named by a string: python:, onnx:, replay:; and four forms of one scorer that agree."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit.victims import KINDS, Victim, as_victim
from iqaudit.victims._spec import VictimSpec

MODULE = """
import numpy as np, torch, iqaudit

def roughness(pictures):
    wide = pictures.astype(np.int64)
    return np.abs(np.diff(wide, axis=2)).sum(axis=(1, 2, 3)) / wide[0].size

class Mean(torch.nn.Module):
    def forward(self, x):
        return x.mean(dim=(1, 2, 3))

mean = Mean()
ready = iqaudit.victims.Function(roughness, iqaudit.Scale.from_range(0, 20), name="ready")
number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"scorers_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / f"{name}_broken.py").write_text("1 / 0")
    return name


def test_python_names_a_function_a_module_or_a_victim(
    module: str, make_picture: MakePicture
) -> None:
    picture = make_picture(20, 24)
    expected = np.abs(np.diff(picture.astype(int), axis=1)).sum() / picture.size
    for name, score_range in (("roughness", (0, 20)), ("ready", None)):
        victim = as_victim(f"python:{module}:{name}", score_range=score_range)
        assert np.asarray(victim.score(picture[None]))[0] == expected
        assert victim.card.name == name
    victim = as_victim(f"python:{module}:mean", score_range=(0, 1))
    assert np.asarray(victim.score(picture[None]))[0] == pytest.approx(picture.mean() / 255)
    assert victim.card.name == "mean"  # as people wrote it, not as its class is called


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_a_name_behind_its_string(kind: str) -> None:
    spec = VictimSpec.parse(f"{kind}:somewhere/thing,name=Scorer,range=0:1")
    assert (spec.spec, spec.label) == (f"{kind}:somewhere/thing", "Scorer")


def test_a_name_given_in_the_string_is_the_victims(module: str) -> None:
    for name, behind in (("roughness", ""), ("mean", ",defence=round:0.1"), ("mean", "")):
        text = f"python:{module}:{name},range=0:1,name=Scorer{behind}"
        assert as_victim(text).card.name == "Scorer"
    assert as_victim(f"python:{module}:ready,name=Scorer").card.name == "Scorer"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("python:{}:roughness", "needs its score range"),
        ("python:{}:nothing", 'holds no "nothing"'),
        ("python:{}:Mean", "is a type; name a function"),
        ("python:{}:number", "int lacks card"),
        ("python:{}_broken:x", "ZeroDivisionError"),
        ("python:no_such_module_anywhere:x", "ModuleNotFoundError"),
        ("python:{}", "not of the form python:package.module:name"),
        ("python:", "not of the form python:MODULE:NAME"),
        ("reference:x", "not of the form reference"),
        ("reference,name=", "name has a letter or more, not ''"),
        ("pithon:a:b", 'did you mean "python"'),
    ],
)
def test_a_wrong_string_gets_a_sentence(spec: str, sentence: str, module: str) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim(spec.format(module))


def test_an_option_that_a_victim_does_not_take_is_refused() -> None:
    with pytest.raises(InputError, match='"reference" takes no dataset'):
        as_victim("reference", dataset="live")


@pytest.fixture(scope="module")
def onnx_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "reference.onnx"
    module = iqaudit.victims.Reference().module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            module,
            (torch.zeros(1, 3, 96, 96),),
            path,
            input_names=["picture"],
            dynamo=True,
            verbose=False,
        )
    return path


@pytest.mark.slow
def test_an_onnx_export_of_the_reference_agrees_with_it(
    onnx_reference: Path, reference: iqaudit.victims.Reference, make_picture: MakePicture
) -> None:
    victim = as_victim(f"onnx:{onnx_reference}", scale=reference.card.scale)
    picture = make_picture(96, 96)
    [ours], [theirs] = reference.score(picture[None]), np.asarray(victim.score(picture[None]))
    assert theirs == pytest.approx(ours, abs=1e-3)
    [result] = iqaudit.attack(picture, victim, queries=5)
    assert result.queries == 5
    for side in (95, 97):
        with pytest.raises(InputError, match="takes 96 x 96 alone"):
            iqaudit.attack(make_picture(side, side), victim, queries=5)


def test_what_is_no_onnx_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "text.onnx").write_text("no network")
    for name, sentence in (("text.onnx", "cannot load"), ("missing.onnx", "there is no such file")):
        with pytest.raises(InputError, match=sentence):
            as_victim(f"onnx:{tmp_path / name}", score_range=(0, 1))
    with pytest.raises(InputError, match="score range"):
        as_victim(f"onnx:{tmp_path / 'text.onnx'}")
    with pytest.raises(InputError, match='no "cuda"'):
        as_victim(f"onnx:{tmp_path / 'text.onnx'}", score_range=(0, 1), device="cuda")


@pytest.fixture
def run(tmp_path: Path, rough: Victim, make_picture: MakePicture) -> Path:
    pictures = [make_picture(24, 30), make_picture(20, 20, 1)]
    iqaudit.attack(pictures, rough, queries=25, seed=4, out=tmp_path / "run")
    return tmp_path / "run"


def test_a_replay_goes_the_recorded_way(
    run: Path, rough: Victim, make_picture: MakePicture
) -> None:
    replay = as_victim(f"replay:{run}")
    assert replay.card.scale == rough.card.scale
    pictures = [make_picture(24, 30), make_picture(20, 20, 1)]
    for original, again in zip(
        iqaudit.attack(pictures, rough, queries=25, seed=4),
        iqaudit.attack(pictures, replay, queries=25, seed=4, batch=2),
        strict=True,
    ):
        assert np.array_equal(original.scores, again.scores)
        assert np.array_equal(original.adversarial, again.adversarial)
    assert [check.wrong for check in iqaudit.verify(run, replay)] == [(), ()]


def test_a_replay_knows_nothing_that_was_not_asked(run: Path, make_picture: MakePicture) -> None:
    with pytest.raises(VictimError, match="never asked about this picture"):
        iqaudit.attack(
            make_picture(24, 30), as_victim(f"replay:{run}"), attack="square", queries=25
        )


def test_a_replay_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        as_victim(f"replay:{tmp_path}")
