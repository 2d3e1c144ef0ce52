"""What was answered outlives whatever stops a run: torn lines, full disks, two at once."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from iqaudit import InputError
from iqaudit._runs import journal
from iqaudit._runs.journal import Journal, Kept
from iqaudit._search.ledger import Answer

ANSWERS = [Answer(0.1 + 0.2, 2**64 - 1), Answer(-1e-300, 0), Answer(57.0, 7)]


def read(path: Path) -> tuple[Answer, ...]:
    return _kept(path).entries


def _kept(path: Path) -> Kept[Answer]:
    return journal.read(path, journal.ANSWERS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture.jsonl"


def test_answers_are_read_as_they_were_kept(path: Path) -> None:
    with Journal(path) as file:
        assert file.answers == ()
        file.keep(ANSWERS[:2])
        assert read(path) == tuple(ANSWERS[:2])  # the moment they are kept
        file.keep(ANSWERS[2:])
    with Journal(path) as again:
        assert again.answers == tuple(ANSWERS)
        again.keep(ANSWERS[:1])
    assert read(path) == (*ANSWERS, ANSWERS[0])


@pytest.mark.parametrize("padding", [b"", bytes(5000)])
def test_a_torn_last_line_is_dropped_and_written_over(path: Path, padding: bytes) -> None:
    with Journal(path) as file:
        file.keep(ANSWERS)
    whole = path.read_bytes().rstrip(b"\0")
    ends = [number + 1 for number, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut] + padding)
        with Journal(path) as torn:
            known = sum(end <= cut for end in ends)
            assert torn.answers == tuple(ANSWERS[:known])
            torn.keep(ANSWERS[known:])
        assert read(path) == tuple(ANSWERS)


@pytest.mark.parametrize("line", [b"[1.0]\n", b"[null, 3]\n", b'{"a": 1}\n', b"\0\0\n", b"x\n"])
def test_a_line_that_is_no_answer_is_told_and_takes_nothing_along(path: Path, line: bytes) -> None:
    """Lines without checksums are of an earlier version."""
    path.write_bytes(b"[1.0, 3]\n" + line + b"[2.0, 4]\n")
    assert _kept(path)[:2] == ((Answer(1.0, 3), Answer(2.0, 4)), (2,))
    with Journal(path) as file:
        assert (file.answers, file.damaged) == ((Answer(1.0, 3), Answer(2.0, 4)), (2,))
        file.keep(ANSWERS[:1])
    assert _kept(path)[:2] == ((Answer(1.0, 3), Answer(2.0, 4), ANSWERS[0]), (2,))


def test_no_changed_byte_goes_unnoticed_or_costs_another_answer(path: Path) -> None:
    with Journal(path) as file:
        file.keep(ANSWERS)
    whole = path.read_bytes()
    numbers = [number for number, line in enumerate(whole.splitlines(True), 1) for _ in line]
    for at, number in enumerate(numbers[: whole.rindex(b"\n")]):
        for other in (whole[at] ^ 1, ord("\n"), ord("\r"), 0, ord("["), ord("1")):
            path.write_bytes(whole[:at] + bytes([other]) + whole[at + 1 :])
            answers, damaged, _ = _kept(path)
            if other == whole[at]:
                assert not damaged
            elif whole[at] == ord("\n"):  # two lines in one: both are there
                assert (answers, damaged) == (tuple(ANSWERS), (number,))
            else:
                assert damaged[0] == number
                assert answers == tuple(each for each in ANSWERS if each != ANSWERS[number - 1])


def test_a_line_without_a_checksum_behind_one_with_it_is_damaged(path: Path) -> None:
    with Journal(path) as file:
        file.keep(ANSWERS[:1])
    path.write_bytes(path.read_bytes() + b"[1.0, 3]\n")
    assert _kept(path)[:2] == ((ANSWERS[0],), (2,))


def test_there_is_room_before_a_score_is_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full refuses when a file is opened or has kept, not when it is to keep."""
    left = 3 * journal.BLOCK
    write = os.pwrite

    def scarce(file: int, content: bytes, at: int) -> int:
        nonlocal left
        new = max(0, at + len(content) - os.fstat(file).st_size)
        if new > left:
            if not left:
                raise OSError(errno.ENOSPC, "No space left on device")
            content = content[: len(content) - new + left]  # the last bytes that fit
            new = left
        left -= new
        return write(file, content, at)

    monkeypatch.setattr(os, "pwrite", scarce)
    kept: list[Answer] = []
    with Journal(path) as file, pytest.raises(OSError, match="No space"):  # noqa: PT012
        while True:
            kept.append(Answer(0.1, len(kept)))
            file.keep(kept[-1:])
    assert read(path) == tuple(kept)
    assert len(kept) > 1000
    with pytest.raises(OSError, match="No space"):
        Journal(path.with_name("other.jsonl"))


def _hold(path: Path, held: "multiprocessing.synchronize.Event") -> None:
    with Journal(path) as file:
        held.set()
        file.keep(ANSWERS)
        file.remove()


def test_only_one_process_adds_to_a_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.1)
    with Journal(path), pytest.raises(InputError, match="another process is at work"):
        Journal(path)


@pytest.mark.slow
def test_a_file_that_was_removed_while_waited_for_is_begun_anew(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold, args=(path, held))
    process.start()
    assert held.wait(60)
    with Journal(path) as file:  # waits for the other's end
        file.keep(ANSWERS[:1])
    process.join(60)
    assert process.exitcode == 0
    assert read(path) == (ANSWERS[0],)
