"""An audit that grows asks nothing twice, and is what it would have been from the beginning."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.auditing import begun, contents, serial

from iqaudit import Goal, InputError
from iqaudit._audit.spec import AuditSpec
from iqaudit.victims._spec import VictimSpec

PROBES = 2
"""Questions of a start for each victim."""

MORE: list[dict[str, Any]] = [
    {"attacks": ("bidirectional", "random")},
    {"seeds": (0, 1)},
    {"levels": (3, 5)},
    {"queries": (20, 40)},
    {"goals": (Goal.BIDIRECTIONAL, Goal.RAISE)},
    {
        "victims": (
            VictimSpec("python:tests.support.audited:rough"),
            VictimSpec("python:tests.support.audited:rough", {"name": "again"}),
        )
    },
]


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("more", MORE, ids=lambda more: next(iter(more)))
@pytest.mark.parametrize("stopped", [False, True])
def test_it_is_the_larger_one(
    more: dict[str, Any],
    tmp_path: Path,
    campaign: AuditSpec,
    asked: Callable[[], int],
    *,
    stopped: bool,
) -> None:
    larger = replace(campaign, **more)
    serial(larger, tmp_path / "whole")
    questions, run = asked(), tmp_path / "run"
    if stopped:
        begun(campaign, run)
    else:
        serial(campaign, run)
    serial(larger, run)
    assert contents(run) == contents(tmp_path / "whole")
    # The first start's victim was asked who it is.
    assert asked() - questions == questions + PROBES
    serial(larger, run)
    assert asked() - questions == questions + PROBES * (1 + len(larger.victims))


@pytest.mark.parametrize("stopped", [False, True])
def test_a_search_that_hangs_on_no_budget_goes_on_to_a_larger_one(
    tmp_path: Path,
    campaign: AuditSpec,
    asked: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    *,
    stopped: bool,
) -> None:
    """Off whose end the smaller budget is read then."""
    short = replace(campaign, attacks=("random",), queries=20)
    longer = replace(short, queries=(20, 40))
    serial(longer, tmp_path / "whole")
    questions, run = asked(), tmp_path / "run"
    if stopped:
        begun(short, run)
    else:
        serial(short, run)
    # A start that is killed before the manifest is written begins anew.
    with monkeypatch.context() as killed:
        killed.setattr("iqaudit._audit.manifest.begin", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            serial(longer, run)
    serial(longer, run)
    assert contents(run) == contents(tmp_path / "whole")
    assert asked() - questions == questions + 2 * PROBES
    # A budget in place of another is another audit.
    with pytest.raises(InputError, match="queries was"):
        serial(replace(short, queries=60), run)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("stopped", [False, True])
def test_pictures_are_added(
    photos: Path,
    tmp_path: Path,
    campaign: AuditSpec,
    asked: Callable[[], int],
    *,
    stopped: bool,
    flat: bool,
) -> None:
    campaign, run = replace(campaign, flat=flat), tmp_path / "run"
    serial(campaign, tmp_path / "whole")
    questions = asked()
    away = tmp_path / "p0.png"  # the first in order, so that the others move
    (photos / "p0.png").rename(away)
    if stopped:
        begun(campaign, run)
    else:
        serial(campaign, run)
    away.rename(photos / "p0.png")
    serial(campaign, run)
    assert contents(run) == contents(tmp_path / "whole")
    assert asked() - questions == questions + PROBES
    # One less is another audit.
    (photos / "p2.png").rename(away)
    with pytest.raises(InputError, match="on 3 pictures, and here are 2"):
        serial(campaign, run)


def test_pictures_of_the_same_name_must_be_the_same(
    photos: Path, tmp_path: Path, campaign: AuditSpec
) -> None:
    away, run = tmp_path / "p0.png", tmp_path / "run"
    (photos / "p0.png").rename(away)
    serial(campaign, run)
    before = contents(run)
    away.rename(photos / "p0.png")
    (photos / "p1.png").write_bytes((photos / "p0.png").read_bytes())
    with pytest.raises(InputError, match="the picture p1 had other pixels"):
        serial(campaign, run)
    assert contents(run) == before


def test_a_kill_between_two_renamed_cells_loses_nothing(
    tmp_path: Path, campaign: AuditSpec, asked: Callable[[], int]
) -> None:
    small = replace(campaign, attacks=("bidirectional", "random"))
    larger = replace(small, seeds=(0, 1))
    serial(larger, tmp_path / "whole")
    run, name = tmp_path / "run", larger.cells()[0].folder
    serial(small, run)
    before = asked()
    (run / small.cells()[0].folder).rename(run / name)
    serial(larger, run)
    assert contents(run) == contents(tmp_path / "whole")
    assert asked() - before == PROBES + 2 * 3 * 20


def test_what_cannot_grow_is_refused(tmp_path: Path, campaign: AuditSpec) -> None:
    serial(campaign, tmp_path / "run")
    before = contents(tmp_path / "run")
    for other in ({"seeds": (1, 0)}, {"queries": 30}, {"seeds": (0, 1), "queries": 30}):
        changed: Any = other
        with pytest.raises(InputError, match="this audit was begun otherwise"):
            serial(replace(campaign, **changed), tmp_path / "run")
    taken = replace(campaign, seeds=(0, 1))
    (tmp_path / "run" / taken.cells()[0].folder).mkdir()
    with pytest.raises(InputError, match="this is there already"):
        serial(taken, tmp_path / "run")
    (tmp_path / "run" / taken.cells()[0].folder).rmdir()
    assert contents(tmp_path / "run") == before
