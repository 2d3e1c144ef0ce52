"""Victims of others' code: the process is theirs while they run, and ours afterwards."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.auditing import iqaudit_
from tests.support.scorers import roughness

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit.testing import synthetic_picture
from iqaudit.victims import as_victim

Module = Callable[..., str]

RANGE: dict[str, Any] = {"score_range": (0, 20)}


@pytest.fixture
def module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Module:
    """Return a writer of modules: from lines of theirs and of their scorer to the victim."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    iqaudit.write("a.png", synthetic_picture(20, 24, 0))

    def write(first: str = "", then: str = "") -> str:
        name = f"module_{abs(hash(request.node.nodeid))}_{len(list(tmp_path.glob('*.py')))}"
        lines = [
            "from tests.support.scorers import roughness",
            first,
            "def scorer(pictures):",
            f"    {then or 'pass'}",
            "    return roughness(pictures)",
        ]
        Path(f"{name}.py").write_text("\n".join(lines), "utf-8")
        return f"python:{name}:scorer"

    return write


STATES: dict[str, tuple[Callable[[], Any], str]] = {
    "folder": (Path.cwd, "import os; os.chdir(os.path.abspath('/')); os.chdir({0!r})"),
    "arithmetic": (np.geterr, "import numpy; numpy.seterr(all='raise')"),
    "threads": (torch.get_num_threads, "import torch; torch.set_num_threads(3)"),
    "gradients": (torch.is_grad_enabled, "import torch; torch.set_grad_enabled(False)"),
    "type": (torch.get_default_dtype, "import torch; torch.set_default_dtype(torch.float64)"),
    "device": (torch.get_default_device, "import torch; torch.set_default_device('meta')"),
    "determined": (
        torch.are_deterministic_algorithms_enabled,
        "import torch; torch.use_deterministic_algorithms(True)",
    ),
}
"""Readers of parts of the process's state, and what a scorer does to each."""


@pytest.mark.parametrize("when", ["import", "score"])
@pytest.mark.parametrize("part", STATES)
def test_what_a_scorer_does_to_the_process_changes_neither_results_nor_the_caller(
    part: str, when: str, module: Module, tmp_path: Path
) -> None:
    """Paths are those of the caller's folder, before it and after."""
    read, change = STATES[part]
    change = change.format(str(tmp_path / "elsewhere"))
    victim = module(change) if when == "import" else module("", change)
    before = read()
    [plain] = iqaudit.attack("a.png", roughness, queries=6, **RANGE)
    [result] = iqaudit.attack("a.png", victim, queries=6, out="run", **RANGE)
    assert read() == before
    assert np.array_equal(result.adversarial, plain.adversarial)
    assert (tmp_path / "run" / "results.json").exists()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_function_of_the_callers_leaves_the_process_as_it_was(module: Module) -> None:
    module()
    folder = Path.cwd()

    def moves(pictures: Any) -> Any:
        os.chdir("elsewhere")
        torch.set_grad_enabled(mode=False)
        return roughness(pictures)

    with pytest.raises(VictimError):  # its folder is kept for it, and has no other of the name
        iqaudit.attack("a.png", moves, queries=4, **RANGE)
    assert (Path.cwd(), torch.is_grad_enabled()) == (folder, True)


def test_a_scorer_finds_the_process_as_it_left_it(module: Module) -> None:
    """As it does in a script of its own, on whatever it depends."""
    Path("elsewhere/weights.txt").write_text("1")
    victim = module(
        "import os, torch; os.chdir('elsewhere'); torch.set_grad_enabled(False)",
        "assert os.path.exists('weights.txt') and not torch.is_grad_enabled()",
    )
    for _ in range(2):  # the module is imported once
        assert iqaudit.score("a.png", victim, **RANGE)


def test_one_victims_settings_are_not_anothers(module: Module) -> None:
    doubled = module("import torch; torch.set_default_dtype(torch.float64)")
    plain = module("import torch", "assert torch.get_default_dtype() is torch.float32")
    assert iqaudit.score("a.png", doubled, **RANGE)
    assert iqaudit.score("a.png", plain, **RANGE)


def test_random_states_are_left_alone_and_decide_nothing(module: Module) -> None:
    seeding = module("import random, numpy", "random.seed(0); numpy.random.seed(0)")
    [plain] = iqaudit.attack("a.png", roughness, queries=6, **RANGE)
    [result] = iqaudit.attack("a.png", seeding, queries=6, **RANGE)
    assert np.array_equal(result.adversarial, plain.adversarial)
    np.random.seed(1)  # noqa: NPY002
    first = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    iqaudit.attack("a.png", roughness, queries=6, **RANGE)
    assert np.random.random() == first  # noqa: NPY002


ENDING = pytest.mark.parametrize(
    "line", ["import sys; sys.exit(3)", "raise SystemExit", "exit('bye')", "quit()"]
)


@ENDING
def test_a_module_that_ends_the_program_is_not_imported(line: str, module: Module) -> None:
    with pytest.raises(InputError, match=r"importing .* failed .*it ends the program"):
        iqaudit.score("a.png", module(line), **RANGE)


@ENDING
def test_a_scorer_that_ends_the_program_failed(line: str, module: Module) -> None:
    with pytest.raises(VictimError, match=r'"scorer" failed on .*it ends the program'):
        iqaudit.score("a.png", module("", line), **RANGE)
    ending = as_victim(lambda _: sys.exit(3), **RANGE)
    with pytest.raises(VictimError, match=r"it ends the program, sys.exit\(3\)"):
        iqaudit.score("a.png", ending)


def test_a_module_that_ends_the_program_in_a_search_keeps_what_was_answered(
    module: Module,
) -> None:
    count = "calls.append(0); len(calls) < 6 or exit()"
    victim = ("--victim", module("calls = []", count), "--range", "0", "20")
    done = iqaudit_("attack", "a.png", *victim, "--queries", "20", "--out", "run")
    assert done.exit_code == 2
    assert "it ends the program" in done.stderr
    assert "kept in run" in done.stderr
    assert Path("run/results.json").exists()


def test_a_torch_module_that_ends_the_program_failed() -> None:
    """In the recording of its operators as well, which comes before the first score."""

    class Ends(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x):
                sys.exit(1)
            return x

    with pytest.raises(VictimError, match="it ends the program"):
        iqaudit.attack(synthetic_picture(20, 24, 0), Ends(), queries=200, **RANGE)


def test_ctrl_c_in_a_scorer_stays_ctrl_c(module: Module) -> None:
    with pytest.raises(KeyboardInterrupt):
        iqaudit.score("a.png", module("", "raise KeyboardInterrupt"), **RANGE)
    with pytest.raises(KeyboardInterrupt):
        iqaudit.score("a.png", module("raise KeyboardInterrupt"), **RANGE)


def test_a_modules_command_line_is_not_ours(module: Module) -> None:
    """Nor is what it does to its own."""
    parse = "import argparse; argparse.ArgumentParser().parse_args()"
    victims = module(parse), module("", parse), module("import sys; sys.argv.append('--x')")
    before = list(sys.argv)
    sys.argv[1:] = ["--of-the-caller", "1"]
    try:
        for each in victims:
            line = ("score", "a.png", "--victim", each, "--range", "0", "20")
            assert iqaudit_(*line).exit_code == 0
        assert iqaudit.score("a.png", module(parse), **RANGE)
        assert sys.argv[1:] == ["--of-the-caller", "1"]
    finally:
        sys.argv[:] = before
