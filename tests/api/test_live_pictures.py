"""Memory is flat in the number of pictures: each is decoded when it is asked for, everywhere."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit._core.picture import Picture
from iqaudit._search.trial import TrialResult

VICTIM = "python:tests.support.audited:rough"
FEW, MANY = 10, 13


class Count:
    """A count of the decoded pictures that are alive, and the most that ever were."""

    def __init__(self) -> None:
        self.live = self.most = 0

    def begins(self, pixels: np.ndarray) -> None:
        self.live += 1
        self.most = max(self.most, self.live)
        weakref.finalize(pixels, self.ends)

    def ends(self) -> None:
        self.live -= 1

    def during(self, call: Callable[[], object]) -> int:
        """Return how many pictures more were alive at once while it was called."""
        gc.collect()
        before = self.most = self.live
        call()
        return self.most - before


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Return a count of the pictures that are made while a test runs."""
    counted, picture = Count(), Picture.__post_init__

    def of_picture(self: Picture) -> None:
        picture(self)
        counted.begins(self.pixels)

    monkeypatch.setattr(Picture, "__post_init__", of_picture)
    return counted


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, make_picture: MakePicture) -> dict[int, Path]:
    """Return folders of few and of many pictures, with opinions, a run and an audit beside each."""
    roots = {}
    for number in (FEW, MANY):
        root = roots[number] = tmp_path_factory.mktemp(f"of{number}")
        (root / "photos").mkdir()
        lines = ["image,mos"]
        for index in range(number):
            pixels = make_picture(64, 66, index) // (1 + index % 5)
            iqaudit.write(root / "photos" / f"p{index:02}.png", pixels)
            lines.append(f"p{index:02}.png,{95 - 15 * (index % 5)}")
        (root / "t.csv").write_text("\n".join(lines))
        iqaudit.attack(root / "photos", VICTIM, attack="square", queries=4, out=root / "run")
        audit([VICTIM, "python:tests.support.audited:rougher"], root, root / "audit")
        iqaudit.load(root / "audit").analyse()
    return roots


def audit(victims: list[str], root: Path, out: Path) -> iqaudit.Audit:
    return iqaudit.audit(victims, root / "photos", ["square"], queries=4, out=out, analyses=False)


def ignore(*_: object) -> None:
    """Show no progress."""


CALLS: dict[str, Callable[[Path, Path], object]] = {
    "score": lambda root, _: iqaudit.score(root / "photos", VICTIM),
    "score-files": lambda root, _: iqaudit.score(sorted((root / "photos").iterdir()), VICTIM),
    "check": lambda root, _: iqaudit.check(VICTIM, root / "photos"),
    "calibrate": lambda root, _: iqaudit.calibrate(VICTIM, root / "photos"),
    "calibrate-scores": lambda root, out: iqaudit.calibrate(
        VICTIM, root / "photos", opinions=root / "t.csv", out=out / "scale.toml"
    ),
    "attack-out": lambda root, out: iqaudit.attack(
        root / "photos", VICTIM, attack="square", queries=4, out=out / "run", progress=ignore
    ),
    "attack-again": lambda root, _: iqaudit.attack(
        root / "photos", VICTIM, attack="square", queries=4, out=root / "run", progress=ignore
    ),
    "audit": lambda root, out: audit([VICTIM], root, out / "audit"),
    "audit-csv": lambda root, out: iqaudit.audit(
        [VICTIM],
        f"csv:{root / 't.csv'}@{root / 'photos'}",
        queries=4,
        out=out / "c",
        analyses=False,
    ),
    "plan": lambda root, _: iqaudit.plan([VICTIM], root / "photos", queries=4),
    "results": lambda root, _: [each.adversarial.sum() for each in results(root)],
    "analyse": lambda root, out: audit([VICTIM], root, out / "a").analyse(),
    "table": lambda root, _: iqaudit.load(root / "audit").table(),
    "by_queries": lambda root, _: iqaudit.load(root / "audit").by_queries(),
    "gate": lambda root, _: iqaudit.load(root / "audit").gate(["rgo > 0.3"]),
    "export": lambda root, out: iqaudit.load(root / "audit").export(csv=out / "rows.csv"),
    "report": lambda root, _: iqaudit.load(root / "audit").report(),
    "verify": lambda root, _: iqaudit.verify(root / "audit"),
    "status": lambda root, _: iqaudit.load(root / "audit").status(),
    "compare": lambda root, out: iqaudit.compare([root / "audit"], html=out / "c.html"),
    "datasets": lambda root, _: sum(
        picture.width
        for picture in iqaudit.datasets.pictures(iqaudit.datasets.load(root / "photos").samples)
    ),
}


def results(root: Path) -> Iterator[TrialResult]:
    yield from iqaudit.load(root / "run").results()


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_no_more_pictures_are_alive_of_many_than_of_few(
    call: str, folders: dict[int, Path], tmp_path: Path, count: Count
) -> None:
    alive = {}
    for number, root in folders.items():
        (tmp_path / str(number)).mkdir()
        alive[number] = count.during(lambda: CALLS[call](root, tmp_path / str(number)))  # noqa: B023
    assert alive[MANY] == alive[FEW] < 8
    gc.collect()
    assert count.live <= 0


def test_in_memory_no_picture_is_decoded_before_its_search(
    folders: dict[int, Path], count: Count
) -> None:
    """The results hold the two pictures of each that is finished: they are what is asked for."""
    begun: list[int] = []

    def told(_: Picture, queries: int) -> None:
        if queries == 1:
            begun.append(count.live)

    iqaudit.attack(folders[MANY] / "photos", VICTIM, attack="square", queries=4, progress=told)
    assert begun == list(range(begun[0], begun[0] + MANY))
    assert begun[0] <= 2


def test_a_runs_results_are_read_when_asked_for(folders: dict[int, Path], count: Count) -> None:
    whole = iqaudit.attack(
        folders[FEW] / "photos", VICTIM, attack="square", queries=4, out=folders[FEW] / "run"
    )
    assert len(whole) == FEW
    assert count.live <= 0
    in_memory = iqaudit.attack(folders[FEW] / "photos", VICTIM, attack="square", queries=4)
    for kept, result in zip(whole, in_memory, strict=True):
        assert kept.picture.name == result.picture.name
        assert np.array_equal(kept.adversarial, result.adversarial)
    assert [each.picture.name for each in whole[-2:]] == ["p08", "p09"]
    assert whole[-1].adversarial_score == in_memory[-1].adversarial_score
    with pytest.raises(IndexError):
        whole[FEW]
