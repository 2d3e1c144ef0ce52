"""Parts of data sets: seeded draws and published lists."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iqaudit import InputError
from iqaudit.datasets import DataSet, Label, Sample, read_names, sample, subset, write_names

LABEL = Label("MOS", 0, 100, "made up")
TYPES = ("blur", "jpeg", "noise")


def made(count: int = 60, types: tuple[str, ...] = TYPES) -> DataSet:
    """Return a data set without files: nothing here looks at a picture."""
    samples = []
    for index in range(count):
        kind = types[index % len(types)]
        name, label = f"{kind}/img{index}.png", (index * 37 % count) / count * 100
        samples.append(Sample(name, Path(name), label, LABEL.opinion(label), kind))
    return DataSet("made", Path(), tuple(samples), LABEL)


def names(dataset: DataSet) -> list[str]:
    return [each.name for each in dataset.samples]


seeds = st.integers(0, 2**70)
ways = st.sampled_from([None, "type", "score"])


@settings(deadline=None)  # a busy machine is no fault of a draw's
@given(count=st.integers(1, 60), seed=seeds, way=ways, turn=st.randoms(use_true_random=False))
def test_a_draw_depends_on_names_and_seed_not_on_the_order(
    count: int, seed: int, way: Any, turn: Any
) -> None:
    dataset = made()
    shuffled = list(dataset.samples)
    turn.shuffle(shuffled)
    other = DataSet("made", Path("elsewhere"), tuple(shuffled), LABEL)
    drawn = names(sample(dataset, count, stratify=way, seed=seed))
    assert drawn == names(sample(other, count, stratify=way, seed=seed))
    assert drawn == sorted(set(drawn))
    assert len(drawn) == count
    assert set(drawn) <= set(names(dataset))


@settings(deadline=None)  # a busy machine is no fault of a draw's
@given(count=st.integers(1, 60), seed=seeds)
def test_shares_of_the_types_are_equal_to_one_picture(count: int, seed: int) -> None:
    drawn = sample(made(), count, stratify="type", seed=seed)
    shares = Counter(each.distortion for each in drawn.samples)
    assert max(shares.values()) - min(shares[kind] for kind in TYPES) <= 1


@settings(deadline=None)  # a busy machine is no fault of a draw's
@given(count=st.integers(1, 57), seed=seeds)
def test_shares_of_the_tenths_of_the_scores_are_equal_to_one_picture(count: int, seed: int) -> None:
    dataset = made(57)
    by_score = sorted(dataset.samples, key=lambda each: (each.opinion, each.name))
    groups = min(10, count)
    tenth = {each.name: (rank * groups + groups - 1) // 57 for rank, each in enumerate(by_score)}
    drawn = sample(dataset, count, stratify="score", seed=seed)
    shares = Counter(tenth[each.name] for each in drawn.samples)
    sizes = Counter(tenth.values())
    least = min(shares[group] for group in sizes if shares[group] < sizes[group] or count == 57)
    assert max(shares.values()) - least <= 1


@settings(deadline=None)  # a busy machine is no fault of a draw's
@given(count=st.integers(10, 59), seed=seeds, way=ways)
def test_a_larger_draw_holds_the_smaller(count: int, seed: int, way: Any) -> None:
    smaller, larger = (sample(made(), n, stratify=way, seed=seed) for n in (count, count + 1))
    assert set(names(smaller)) < set(names(larger))


def test_an_exhausted_type_leaves_its_share_to_the_others() -> None:
    dataset = made(30, ("blur", "blur", "blur", "blur", "jpeg", "noise"))
    few = DataSet("few", Path(), dataset.samples[:26], LABEL)  # jpeg 4, noise 4, blur 18
    shares = Counter(each.distortion for each in sample(few, 20, stratify="type").samples)
    assert shares == {"blur": 12, "jpeg": 4, "noise": 4}


@pytest.mark.parametrize(
    ("seed", "way", "expected"),
    [
        (0, None, "blur/img0 blur/img30 jpeg/img4 noise/img41"),
        (1, "type", "blur/img15 jpeg/img1 noise/img14 noise/img44"),
        (0, "score", "blur/img0 blur/img30 jpeg/img4 jpeg/img55"),
    ],
)
def test_draws_that_were_published_stay_as_they_are(seed: int, way: Any, expected: str) -> None:
    drawn = names(sample(made(), 4, stratify=way, seed=seed))
    assert drawn == [f"{name}.png" for name in expected.split()]


@pytest.mark.parametrize("count", [0, -1, 61])
def test_a_draw_of_more_than_there_are_or_of_none_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"1 to 60 can be drawn, not {count}"):
        sample(made(), count)


def test_a_draw_that_cannot_be_made_is_a_sentence() -> None:
    plain = DataSet("photos", Path(), (Sample("a.png", Path("a.png")),))
    way: Any
    for way, sentence in (
        ("type", "photos has no distortion types"),
        ("score", "photos has no opinion scores"),
        ("scores", 'did you mean "score"'),
    ):
        with pytest.raises(InputError, match=sentence):
            sample(plain, 1, stratify=way)
    with pytest.raises(InputError, match="0 or more"):
        sample(plain, 1, seed=-1)
    number: Any = 2.5
    with pytest.raises(InputError, match="whole number"):
        sample(plain, number)
    with pytest.raises(InputError, match="whole number"):
        sample(plain, 1, seed=number)


def test_a_written_list_brings_the_same_pictures_back(tmp_path: Path) -> None:
    drawn = sample(made(), 9, stratify="type", seed=4)
    write_names(tmp_path / "nine.txt", drawn, "made: 9 drawn by type, seed 4")
    assert (tmp_path / "nine.txt").read_text().startswith("# made: 9 drawn by type, seed 4\n")
    assert subset(made(), read_names(tmp_path / "nine.txt")) == drawn
    with pytest.raises(InputError, match="there already"):
        write_names(tmp_path / "nine.txt", drawn)


def test_other_programs_lists_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        "\ufeff# a comment\n\nset/Blur/IMG0.png\t4.5\t0.1\r\n noise\\img2.png\njpeg/img1.png\n",
        "utf-8",
    )
    found = names(subset(made(), read_names(path)))
    assert found == ["blur/img0.png", "noise/img2.png", "jpeg/img1.png"]


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        (["blur/img0.png", "img0.png", "x"], "no picture called img0.png, x; .*as blur/img0.png"),
        (["blur/img0.png", "set/blur/img0.png"], "names blur/img0.png twice"),
        ([], "names no picture"),
    ],
)
def test_a_list_that_does_not_fit_is_a_sentence(listed: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        subset(made(), listed)


def test_a_list_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    for name in ("nowhere.txt", "binary"):
        with pytest.raises(InputError, match="cannot be read"):
            read_names(tmp_path / name)
