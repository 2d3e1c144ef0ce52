"""The table of defences, against a second, plain statement of each figure."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.support import audited
from tests.support.auditing import ROUGH, contents
from tests.support.audits import photographs, uneven
from tests.support.scorers import roughness
from tests.support.serving import Server
from torch import Tensor, nn

import iqaudit
from iqaudit import DefenceRow, DefenceTable, InputError, measures
from iqaudit._analysis.defences import certificates, figures, slopes, verdicts
from iqaudit._analysis.defences.figures import Beyond, Cells, Scores
from iqaudit._analysis.defences.table import FORMAT
from iqaudit._analysis.scorers import Scorer, named
from iqaudit._analysis.tables.cells import CellData
from iqaudit._api.defences import to_compare, with_defences
from iqaudit._assess.questions import FAR
from iqaudit._core.picture import Pixels
from iqaudit._runs.schema import DEFENCES, TRANSFER_ANSWERS
from iqaudit.defences import Median, MedianCrops
from iqaudit.measures._bootstrap import interval, mean, paired, rank_correlation
from iqaudit.victims import Function, TorchModule
from iqaudit.victims._defended import Defended
from iqaudit.victims._scoring import score

DEFENCES_OF = ("median:3", "noise:2", "smooth:3@4", "median-crops:3", "median:3+round:2")
OPINIONS = (1.0, 3.5, 3.0, 8.5, 7.5, 9.0)
QUERIES = 40
SCALE = iqaudit.Scale.from_range(0, 20)


def data(folder: Path, opinions: Sequence[float] = OPINIONS) -> dict[str, Any]:
    """Write rated pictures, and return the audit's settings of them."""
    folder.mkdir()
    rows = ["image,mos"]
    for picture, opinion in zip(uneven(), opinions, strict=True):
        iqaudit.write(folder / f"{picture.name}.png", picture.pixels)
        rows.append(f"{picture.name}.png,{opinion}")
    (folder / "scores.csv").write_text("\n".join(rows))
    return {"spec": f"csv:{folder / 'scores.csv'}", "opinion_range": [0, 10]}


def compare(out: Path, defences: Sequence[Any] = DEFENCES_OF, **others: Any) -> DefenceTable:
    settings: dict[str, Any] = {
        "victims": [ROUGH],
        "attacks": ["square"],
        "queries": QUERIES,
        "engine": "serial",
    }
    return iqaudit.compare_defences(out, defences, **settings | others)


@pytest.fixture(scope="module", autouse=True)
def fewer_draws() -> Iterator[None]:
    """Have certificates ask less."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "DRAWS", 100)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DefenceTable]:
    folder = tmp_path_factory.mktemp("defences")
    return folder / "run", compare(folder / "run", data=data(folder / "rated"))


def test_services_whose_strings_no_file_holds_are_compared(server: Server, tmp_path: Path) -> None:
    """Each is asked its own pictures, though two are alike in all but their address."""
    services = [f"{server.url}{path}?key=secret,range=0:20" for path in ("", "/other")]
    out, pictures = tmp_path / "run", uneven(2)
    settings: dict[str, Any] = {"attacks": ["square"], "queries": 4, "engine": "serial"}
    done = iqaudit.audit(
        with_defences(services, ["round:2"]),
        pictures,
        out=out,
        analyses=False,
        yes=True,
        **settings,
    )
    asked = len(server.seen)
    rows = done.compare_defences(yes=True).rows
    assert [(each.defence, each.victim) for each in rows] == [
        ("round:2", f"{server.url}{path}") for path in ("", "/other")
    ]
    paths = [path.removesuffix("?key=secret") for path, *_ in server.seen[asked:]]
    assert paths.count("/score") == paths.count("/score/other") > 0
    assert not [check.wrong for check in done.verify() if check.wrong]
    assert "secret" not in "".join(map(str, contents(out).values()))
    with pytest.raises(InputError, match="say all again that the audit was begun with"):
        iqaudit.compare_defences(out, yes=True)


@pytest.fixture
def run(made: tuple[Path, DefenceTable], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "run"))


def row_of(table: DefenceTable, defence: str) -> DefenceRow:
    [row] = [each for each in table.rows if each.defence == defence]
    return row


def qualities(victim: Any, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    return np.array([SCALE.quality(float(victim.score(each[None])[0])) for each in pictures])


@pytest.mark.slow
def test_figures_are_those_of_the_pictures(made: tuple[Path, DefenceTable]) -> None:
    run, table = made
    row = row_of(table, "median:3")
    plain, own = (iqaudit.load(run).results(cell) for cell in (row.undefended, row.cell))
    victim, defended = audited.rough, Defended(audited.rough, ["median:3"])
    clean = [each.picture.pixels for each in plain]
    before, attacked = (qualities(victim, each) for each in (clean, [r.adversarial for r in plain]))
    after, adaptive = (qualities(defended, each) for each in (clean, [r.adversarial for r in own]))
    assert row.rgo_undefended.value == pytest.approx(measures.rgo(before, attacked))
    assert row.rgo_adaptive.value == pytest.approx(measures.rgo(after, adaptive))
    assert row.rgo_equal_passes == row.rgo_adaptive
    sides = [1 if each.direction.value == "raise" else -1 for each in plain]
    unaware = qualities(defended, [each.adversarial for each in plain])
    room = np.maximum(10 - after, after)
    assert row.rgo_unaware.value == pytest.approx(np.mean(sides * (unaware - after) / room))
    assert row.score_moved.value == pytest.approx(np.mean(np.abs(after - before)))
    assert row.score_agreement.value == pytest.approx(measures.srocc(after, before))
    for name, correlation in (("srocc", measures.srocc), ("plcc", measures.plcc)):
        without, behind = correlation(before, OPINIONS), correlation(after, OPINIONS)
        assert getattr(row, f"{name}_undefended").value == pytest.approx(without)
        assert getattr(row, f"{name}_defended").value == pytest.approx(behind)
        assert getattr(row, f"{name}_difference").value == pytest.approx(behind - without)
    assert row.srocc_attacked.value == pytest.approx(measures.srocc(adaptive, OPINIONS))
    assert row.kept == row.srocc_defended
    filtered = [Median(3).pictures(each, None)[0] for each in clean]
    likeness = [measures.ssim(*each) for each in zip(clean, filtered, strict=True)]
    assert row.ssim.value == pytest.approx(np.mean(likeness))
    flips = [measures.flip(*each) for each in zip(clean, filtered, strict=True)]
    assert row.flip.value == pytest.approx(np.mean(flips))
    both = [
        np.abs(b - a) / np.maximum(10 - a, a) for a, b in ((before, attacked), (after, adaptive))
    ]
    assert row.rgo_difference == paired(mean, [both[1]], [both[0]]).difference
    assert row.score_agreement == interval(rank_correlation, after, before)
    assert (row.pictures, row.rated, row.passes, row.noise.value) == (6, 6, 1, 0)
    assert row.seconds is not None


def test_figures_agree_with_the_tables(made: tuple[Path, DefenceTable]) -> None:
    run, table = made
    others = {each.cell: each.values for each in iqaudit.load(run).table().rows}
    for row in table.rows:
        assert row.rgo_undefended == others[row.undefended]["rgo"]
        assert row.rgo_adaptive == others[row.cell]["rgo"]
        assert row.srocc_attacked.value == pytest.approx(others[row.cell]["srocc_after"].value)


def test_several_pictures_a_question_are_counted(made: tuple[Path, DefenceTable]) -> None:
    run, table = made
    row = row_of(table, "median-crops:3")
    assert (row.passes, row.ssim.value) == (9, None)
    [cell] = [each for each in iqaudit.load(run).cells if each.cell == row.cell]
    asked = QUERIES // 9
    reached = [float(each.reached[asked - 1]) for each in cell.pictures]
    after = [SCALE.quality(each) for each in reached]
    before = [each.figures.clean_quality for each in cell.pictures]
    assert row.rgo_equal_passes.value == pytest.approx(measures.rgo(before, after))


@pytest.mark.slow
def test_yesterdays_pictures_are_asked_once(run: Path, made: tuple[Path, DefenceTable]) -> None:
    answers = (run / TRANSFER_ANSWERS).read_bytes()
    assert iqaudit.load(run).defences == replace(
        made[1], rows=tuple(replace(each, seconds=None) for each in made[1].rows)
    )
    (run / DEFENCES).unlink()
    iqaudit.compare_defences(run, trust=True)
    assert (run / TRANSFER_ANSWERS).read_bytes() == answers
    assert (run / DEFENCES).read_bytes() == (made[0] / DEFENCES).read_bytes()
    assert FORMAT.encode() in (run / DEFENCES).read_bytes()
    assert b"seconds" not in (run / DEFENCES).read_bytes()


@pytest.mark.slow
def test_what_a_transfer_asked_is_not_asked_again(run: Path) -> None:
    (run / TRANSFER_ANSWERS).unlink()
    iqaudit.transfer(run, trust=True)
    before = (run / TRANSFER_ANSWERS).read_bytes()
    iqaudit.compare_defences(run, trust=True)
    added = (run / TRANSFER_ANSWERS).read_bytes()[len(before) :].splitlines()
    labels = {line.split(b'"')[1] for line in added}
    assert all(b"noise of 4" in each or each == ROUGH.encode() for each in labels)


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_to_the_same_bytes(
    run: Path, made: tuple[Path, DefenceTable]
) -> None:
    (run / DEFENCES).unlink()
    (run / TRANSFER_ANSWERS).unlink()

    @contextmanager
    def stopping(_shares: Any, _bound: str) -> Iterator[Any]:
        def count(asked: int) -> None:
            if asked == 40:
                raise KeyboardInterrupt

        yield count

    with pytest.raises(KeyboardInterrupt):
        iqaudit.compare_defences(run, watch=stopping, trust=True)
    assert not (run / DEFENCES).exists()
    iqaudit.compare_defences(run, trust=True)
    assert contents(run) == contents(made[0])


def test_a_certificate_of_tiles_holds_for_what_a_window_becomes(
    made: tuple[Path, DefenceTable],
) -> None:
    certificate = row_of(made[1], "median-crops:3").certificate
    assert certificate is not None
    assert certificate.share == 1
    assert certificate.radius is None
    widths, shares = [], []
    for picture in uneven():
        tiles = MedianCrops(3).pictures(picture.pixels, None)
        scores = np.sort(audited.rough.score(tiles))
        widths.append(SCALE.quality(float(scores[8])) - SCALE.quality(float(scores[0])))
        height, width = picture.pixels.shape[:2]
        side = height // 3 + 1, width // 3 + 1
        shares.append(side[0] * side[1] / (height * width))
    assert certificate.width.value == pytest.approx(np.mean(widths))
    assert certificate.window == pytest.approx(np.mean(shares))


def test_a_certificate_of_noise_tells_its_share_of_the_threat(
    made: tuple[Path, DefenceTable],
) -> None:
    certificate = row_of(made[1], "smooth:3@4").certificate
    assert certificate is not None
    assert certificate.radius == 4
    lengths = [3 * np.sqrt(each.pixels.size) for each in uneven()]
    assert certificate.of_threat == pytest.approx(np.mean(4 / np.array(lengths)))
    assert certificate.width.value is not None
    assert 0 < certificate.width.value < 10
    assert "of the threat's" in certificate.text
    assert row_of(made[1], "median:3").certificate is None


def test_a_victim_that_answers_at_random_is_told_by_fresh_answers(
    made: tuple[Path, DefenceTable],
) -> None:
    row = row_of(made[1], "noise:2")
    assert row.noise.value is not None
    assert row.noise.value > 0
    assert row.queries_to_undefended.queries is None  # whatever the luckiest draws told


def test_steps_are_no_firmness(made: tuple[Path, DefenceTable]) -> None:
    row = row_of(made[1], "median:3+round:2")
    assert row.verdict == "hides"
    assert "answers in steps" in row.text


def test_the_flat_rows(made: tuple[Path, DefenceTable]) -> None:
    rows = made[1].to_dict()
    assert len({tuple(row) for row in rows}) == 1
    assert rows[0]["rgo_adaptive"] == made[1].rows[0].rgo_adaptive.value
    assert "seconds" not in rows[0]
    assert not any(isinstance(value, dict | list | tuple) for value in rows[0].values())


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.layers(x).mean((1, 2, 3))
        return scores


@pytest.mark.slow
def test_a_white_box_is_a_ceiling_and_no_row(tmp_path: Path) -> None:
    """Of a victim that exists in this process alone, whose defences no file holds."""
    victim = TorchModule(Net().eval(), iqaudit.Scale.from_range(-0.2, 0.2))
    table = compare(
        tmp_path / "run",
        ["blur:3", (Median(3), "bits:5")],
        victims=[victim],
        data=photographs(5),
        attacks=["square", "pgd"],
        queries=[10, 20],
    )
    found = [(each.defence, each.attack, each.queries) for each in table.rows]
    assert sorted(set(found)) == sorted(found)
    assert {each[:2] for each in found} == {("blur:3", "square"), ("median:3+bits:5", "square")}
    summaries = {
        each.cell: each.values["rgo"].value for each in iqaudit.load(tmp_path / "run").table().rows
    }
    for row in table.rows:
        whites = [
            value
            for cell, value in summaries.items()
            if cell.startswith(f"{row.cell.partition('--')[0]}--pgd")
        ]
        assert len(whites) == 2
        assert row.ceiling.value == pytest.approx(max(cast("list[float]", whites)))


def cells(plain: CellData, own: CellData) -> Cells:
    return Cells(plain, own, (), ())


def pushed(cell: CellData, qualities: Iterable[float], clean: Sequence[float]) -> CellData:
    """Return a cell whose pictures have these qualities."""
    pictures = tuple(
        replace(
            each,
            opinion=None,
            figures=replace(each.figures, clean_quality=one, attacked_quality=other),
        )
        for each, one, other in zip(cell.pictures, clean, qualities, strict=True)
    )
    return replace(cell, pictures=pictures)


CLEAN = (6.0, 6.2, 6.4, 6.6, 6.8, 7.0)


@pytest.mark.parametrize(
    ("word", "clean", "undefended", "adaptive", "unaware"),
    [
        ("helps", CLEAN, 3.0, 0.1, 0.1),
        ("does nothing", CLEAN, 3.0, 3.0, 0.1),
        ("costs more than it helps", CLEAN[::-1], 3.0, 2.9, 0.1),
        ("costs more than it helps", CLEAN, 1.0, 4.0, 0.1),
        ("hides", CLEAN, 3.0, 0.1, 2.0),
    ],
)
def test_a_verdict_is_by_intervals(
    word: str,
    clean: Sequence[float],
    undefended: float,
    adaptive: float,
    unaware: float,
    made: tuple[Path, DefenceTable],
) -> None:
    known = {each.cell: each for each in iqaudit.load(made[0]).cells}
    row = row_of(made[1], "median:3")
    bumps = 0.02 * np.arange(6) * (-1) ** np.arange(6)
    # Down is the way of all, since good pictures are pushed down.
    plain = pushed(known[row.undefended], np.array(CLEAN) - undefended + bumps, CLEAN)
    own = pushed(known[row.cell], np.array(clean) - adaptive, clean)
    lowered = tuple(
        replace(each, figures=replace(each.figures, direction="lower")) for each in plain.pictures
    )
    both = cells(replace(plain, pictures=lowered), own)
    seen = {
        each.figures.name: Beyond(one - unaware, None, None, None)
        for each, one in zip(lowered, clean, strict=True)
    }
    scores = Scores(both, seen)
    found = figures.figures(both, scores, seen, 1, 0.0)
    said, text = verdicts.verdict(both, tuple(seen), scores, found)
    assert said == word, text
    few = dict(list(seen.items())[:4])
    assert verdicts.verdict(both, tuple(few), Scores(both, few), found)[0] == "unclear"


def test_a_difference_that_no_table_shows_is_none(made: tuple[Path, DefenceTable]) -> None:
    """As of weights that differ in their last digits, however sure their intervals are."""
    known = {each.cell: each for each in iqaudit.load(made[0]).cells}
    row = row_of(made[1], "median:3")
    for more, word in ((1e-3, "does nothing"), (1e-1, "costs more than it helps")):
        plain = pushed(known[row.undefended], np.array(CLEAN) - 3, CLEAN)
        own = pushed(known[row.cell], np.array(CLEAN) - 3 - more, CLEAN)
        lowered = tuple(
            replace(each, figures=replace(each.figures, direction="lower"))
            for each in plain.pictures
        )
        both = cells(replace(plain, pictures=lowered), own)
        seen = {
            each.figures.name: Beyond(one - 3, None, None, None)
            for each, one in zip(lowered, CLEAN, strict=True)
        }
        scores = Scores(both, seen)
        found = figures.figures(both, scores, seen, 1, 0.0)
        assert found["rgo_difference"].low > 0, "clear by its interval"
        assert verdicts.verdict(both, tuple(seen), scores, found)[0] == word


@pytest.mark.parametrize(
    ("white", "plain_white", "sign"),
    [
        ((1.0, 2.5), (3.5,), ""),
        ((0.2, 0.4), (3.5,), "The black box goes beyond the white box"),
        ((0.2, 0.4), (0.3,), ""),  # as it does undefended: a trait of the victim
        ((2.6, 1.5), (3.5,), "pgd with 20 steps is weaker than with 10"),
        ((2.6, 1.5), (3.5, 3.0), ""),
    ],
)
def test_signs_of_masking_are_said(
    white: Sequence[float],
    plain_white: Sequence[float],
    sign: str,
    made: tuple[Path, DefenceTable],
) -> None:
    known = {each.cell: each for each in iqaudit.load(made[0]).cells}
    row = row_of(made[1], "median:3")
    bumps = 0.02 * np.arange(6) * (-1) ** np.arange(6)

    def cell(name: str, by: float, queries: int = QUERIES) -> CellData:
        qualities = np.array(CLEAN) - by + bumps * by
        return replace(pushed(known[name], qualities, CLEAN), queries=queries)

    plain, own = cell(row.undefended, 3.0), cell(row.cell, 1.0)
    whites = [
        [cell(name, by, 10 * number) for number, by in enumerate(each, 1)]
        for name, each in ((row.undefended, plain_white), (row.cell, white))
    ]
    both = Cells(plain, own, *whites)
    seen = {each.figures.name: Beyond(one, None, None, None)
            for each, one in zip(plain.pictures, CLEAN, strict=True)}  # fmt: skip
    scores = Scores(both, seen)
    found = figures.figures(both, scores, seen, 1, 0.0)
    said, text = verdicts.verdict(both, tuple(seen), scores, found)
    assert said == ("hides" if sign else "helps"), text
    assert sign in text
    assert found["ceiling"].value == pytest.approx(
        max(measures.rgo(CLEAN, np.array(CLEAN) - by + bumps * by) for by in white)
    )


class Masked(nn.Module):
    """A mean that a staircase hides: its gradient is a hundredth of what its scores do."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        score = x.mean((1, 2, 3))
        return score.detach() + self.share * (score - score.detach())


@pytest.mark.parametrize(("share", "masked"), [(0.01, True), (0.0, True), (1.0, False)])
def test_a_gradient_that_foretells_too_little_is_a_sign(share: float, *, masked: bool) -> None:
    """Of whole pictures that go up by two levels, from 100 to 102 of 255."""
    module = TorchModule(Masked(share), iqaudit.Scale.from_range(0, 1))
    true = TorchModule(Masked(1.0), iqaudit.Scale.from_range(0, 1))
    plain, own = Scorer("plain", true), Scorer("own", Defended(module, ["mirror-mean"]))  # type: ignore[arg-type]
    pictures = [np.full((8, 8 + at, 3), 100, np.uint8) for at in range(6)]
    asked = [slopes.requests(plain, own, each) for each in pictures]
    steep = np.array(
        [[score(each.scorer.victim, each.picture()) for each in one] for one in asked], np.float64
    )
    np.testing.assert_allclose(steep, np.tile([1 / 255, share / 255], (6, 1)), rtol=1e-4)
    went = 2 / 255
    ahead = [went - FAR * 3 * each for each in steep.T]
    scores = object.__new__(Scores)
    scores.ahead = (ahead[0], ahead[1])
    scores.unaware = scores.known = np.zeros(6)
    cell = SimpleNamespace(doubts=())
    empty = cast("Cells", SimpleNamespace(own=cell, plain=cell, white=(), plain_white=()))
    told = " ".join(verdicts._signs(empty, (), scores))
    assert told.startswith("Scores go more than 2 times as far as eps") is masked
    assert bool(told) is masked
    scores.ahead = (ahead[1], ahead[1])  # as it is undefended: a trait of the victim
    assert verdicts._signs(empty, (), scores) == []


def test_slopes_are_asked_where_they_tell_of_answers() -> None:
    module = TorchModule(Net().eval(), SCALE)
    plain = Scorer("plain", module)
    for defences, count in (("blur:3", 2), ("jpeg:75", 0), ("noise:2", 0), ("median-crops:2", 2)):
        own = Scorer("own", cast("Any", Defended(module, [defences])))
        assert len(slopes.requests(plain, own, uneven(1)[0].pixels)) == count
    no = Scorer("rough", audited.rough)
    own = Scorer("own", cast("Any", Defended(audited.rough, ["blur:3"])))
    assert slopes.requests(no, own, uneven(1)[0].pixels) == ()


def test_what_a_comparison_asks_is_foretold(tmp_path: Path) -> None:
    """To the score: yesterday's pictures, certificates', and none of another."""
    defences = ["median:3", "smooth:3@4", "median-crops:3"]
    victims = with_defences([ROUGH], defences)
    plan = iqaudit.plan(victims, uneven(2), attacks=["square"], queries=8)
    then = to_compare(victims, plan)
    assert (then.scores, then.certificates) == (3 * 2, 2 * (100 + 9))
    compare(
        tmp_path / "run", ["median:3", "smooth:3@4", "median-crops:3"], data=uneven(2), queries=8
    )
    lines = (tmp_path / "run" / TRANSFER_ANSWERS).read_text().splitlines()
    assert len(lines) <= then.scores + then.certificates
    assert len(lines) >= then.certificates


def test_a_victim_whose_figures_tell_nothing_has_no_verdict(tmp_path: Path) -> None:
    steps = Function(lambda them: 5 * np.rint(roughness(them) / 5), SCALE, name="steps")
    settings: dict[str, Any] = {"victims": [steps], "data": uneven(), "queries": 12}
    [row] = compare(tmp_path / "run", ["bits:6"], **settings).rows
    assert row.verdict == "unclear"
    assert row.text.startswith("Undefended, the figures tell nothing.")


def test_the_queries_to_a_figure_are_the_first_that_reach_it() -> None:
    paths = np.array([[0, 0.1, 0.2, 0.2, 0.5], [0, 0, 0.2, 0.4, 0.5]])
    scores = object.__new__(Scores)
    scores.undefended, scores.known = np.array([0.3, 0.3]), np.array([0.5, 0.5])
    assert figures._reach(paths, scores, 2).queries == 8  # of two queries each
    scores.undefended = np.array([0.6, 0.6])
    assert figures._reach(paths, scores, 2).queries is None
    scores.undefended, scores.known = np.array([0.3, 0.3]), np.array([0.1, 0.1])
    assert figures._reach(paths, scores, 2).queries is None  # fresh answers deny it


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"defences": ["jpg:75"]}, 'no defence called "jpg"'),
        ({"defences": ["median:3+"]}, 'no defence called ""'),
        ({"defences": [[]]}, "has a defence at least"),
        ({"victims": [f"{ROUGH},defence=jpeg:75"]}, "is defended already"),
        ({"victims": []}, "at least one victim: name it"),
        ({"data": None}, "needs pictures"),
        ({"defences": []}, "name the defences that are to be compared"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_a_query(
    settings: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    settings = {"defences": ["median:3"], "data": uneven(), **settings}
    with pytest.raises(InputError, match=sentence):
        compare(tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_an_audit_without_both_is_refused(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"queries": 8, "analyses": False, "engine": "serial"}
    pictures, defended = uneven(2), f"{ROUGH},defence=median:3"
    for name, victims, attacks, sentence in (
        ("plain", [ROUGH], ["square"], "no finished cell's victim is defended"),
        ("defended", [defended], ["square"], "there without its defence"),
        ("others", ["python:tests.support.audited:rougher", defended], ["square"], "without its"),
    ):
        iqaudit.audit(victims, pictures, attacks, out=tmp_path / name, **settings)
        with pytest.raises(InputError, match=sentence):
            iqaudit.compare_defences(tmp_path / name)
    iqaudit.attack(pictures, defended, queries=8, out=tmp_path / "flat")
    with pytest.raises(InputError, match="run by itself"):
        iqaudit.compare_defences(tmp_path / "flat")
    with pytest.raises(InputError, match="no run"):
        iqaudit.compare_defences(tmp_path / "nothing")


def test_a_defended_label_is_the_string_that_names_it() -> None:
    label = named(f"{ROUGH},defence=median:3,defence=noise:2").label
    assert label == f"{ROUGH},defence=median:3,defence=noise:2"
    assert named(label).label == label


def test_seeds_and_levels_are_rows_of_their_own(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"seeds": [0, 1], "levels": [2, 3], "data": uneven(2), "queries": 8}
    table = compare(tmp_path / "run", ["bits:4"], **settings)
    assert {(each.seed, each.levels) for each in table.rows} == {(0, 2), (0, 3), (1, 2), (1, 3)}
    for row in table.rows:
        assert row.undefended == row.cell.replace("+bits_4", "")


def test_who_may_be_paid_is_not_asked_without_a_word(tmp_path: Path) -> None:
    paid = "python:tests.support.audited:paid"
    settings: dict[str, Any] = {"victims": [paid], "data": uneven(2), "queries": 8}
    compare(tmp_path / "run", ["median:3"], yes=True, **settings)
    answers = (tmp_path / "run" / TRANSFER_ANSWERS).read_bytes()
    with pytest.raises(InputError, match="say yes=True"):
        iqaudit.compare_defences(tmp_path / "run")
    [row] = iqaudit.compare_defences(tmp_path / "run", yes=True).rows
    assert row.seconds is None
    assert (tmp_path / "run" / TRANSFER_ANSWERS).read_bytes() == answers


def test_named_victims_are_matched(tmp_path: Path) -> None:
    table = compare(
        tmp_path / "run", ["median:3"], victims=[f"{ROUGH},name=mine"], data=uneven(2), queries=8
    )
    [row] = table.rows
    assert (row.victim, row.defence, row.verdict) == ("mine", "median:3", "unclear")
    own = Function(audited.rough.score, SCALE, name="own")
    table = compare(tmp_path / "two", ["median:3"], victims=[own], data=uneven(2), queries=8)
    assert [each.victim for each in table.rows] == ["own"]
