"""Audits on a Ray cluster come to the bytes of one process, whoever dies on the way."""

import importlib
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support import audited
from tests.support.auditing import (
    ROOT,
    ROUGH,
    Outlived,
    Stopping,
    arguments,
    asked,
    contents,
    interrupted,
    iqaudit_,
    kept,
    serial,
)
from tests.support.pictures import MakePicture
from tests.support.processes import LIMIT, started, wait_until

import iqaudit
from iqaudit import InputError
from iqaudit._audit import cell_store, execute
from iqaudit._audit.engines import actors, cluster, worker
from iqaudit._audit.engines.actors import Actors, RemoteWorker
from iqaudit._audit.engines.pool import Failures, Pool
from iqaudit._audit.engines.worker import Reply
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._audit.task import Ended, Member, Task
from iqaudit._core.collection import collect
from iqaudit._core.picture import picture_key
from iqaudit._runs import journal
from iqaudit._runs.schema import load, load_audit
from iqaudit._runs.store import versions
from iqaudit._search.ledger import Answer
from iqaudit.victims._spec import Victims, VictimSpec


def needs_ray(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that starts a cluster, or asks for one."""
    for mark in (
        pytest.mark.ray,
        pytest.mark.timeout(600),
        pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install ray"),
    ):
        test = mark(test)
    return test


ALONE = "from iqaudit._cli import audit, main; audit.finish = lambda *_, **__: None; main()"
"""The command line without the analyses that follow an audit: no engine has a part in them."""

PAUSE = 0.06

OF_A_STRIDE = round(worker.STRIDE / PAUSE) + 1
"""The most answers that are in no reply of a worker yet."""


class Ground:
    """A cluster of this machine, which hears loopback alone, and what runs on it.

    What victims do is said to its nodes when they start: the log and the list of the deadly
    pictures are one for all tests.
    """

    def __init__(self, folder: Path, pictures: Path, own: Path) -> None:
        self.log, self.deadly, self.pictures = folder / "asked", folder / "deadly", pictures
        self.deadly.write_text("")
        os.environ.update(
            {
                audited.LOG: str(self.log),
                audited.PAUSE: str(PAUSE),
                audited.DIE: str(self.deadly),
                "RAY_USAGE_STATS_ENABLED": "0",
                cluster.LOOPBACK: "0",
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": secrets.token_hex(32),
                "RAY_TMPDIR": str(own),
                "PYTHONPATH": str(ROOT),
            }
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: Any = importlib.import_module("ray.cluster_utils").Cluster
            self.cluster = made(
                initialize_head=True,
                head_node_args={
                    "num_cpus": 1,
                    "include_dashboard": False,
                    "node_ip_address": "127.0.0.1",
                },
            )

    def line(self, out: Path, *others: object) -> list[str]:
        """Return the command line of an audit on the cluster."""
        on = ("--engine", "ray", "--ray-address", self.cluster.address, *others)
        return command(self, out, *on)


def command(ground: Ground, out: Path, *how: object) -> list[str]:
    """Return an audit's command line."""
    return [sys.executable, "-c", ALONE, *map(str, arguments(ground.pictures, out, *how))]


def elsewhere(ground: Ground, out: Path, *how: object) -> None:
    """Run an audit, without the cluster."""
    subprocess.run(command(ground, out, *how), check=True, cwd=ROOT, timeout=LIMIT)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, make_picture: MakePicture) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ray")
    (folder / "pictures").mkdir()
    for seed in range(3):
        iqaudit.write(folder / "pictures" / f"p{seed}.png", make_picture(20 + seed, 24, seed))
    before = dict(os.environ)
    # Ray's own folder has a short name: those of the sockets in it are limited.
    own = tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True)
    try:
        with own as name:
            found = Ground(folder, folder / "pictures", Path(name))
            yield found
            found.cluster.shutdown()
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def second(ground: Ground) -> Iterator[Any]:
    """Add a second node, of two cores and a GPU (for Ray; nobody computes on it)."""
    node = ground.cluster.add_node(node_ip_address="127.0.0.1", num_cpus=2, num_gpus=1)
    yield node
    if node in ground.cluster.list_all_nodes():
        ground.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def whole(ground: Ground) -> Path:
    """Return the audit's directory as one process writes it."""
    out, known = ground.log.parent / "whole", len(audited.log(str(ground.log)))
    elsewhere(ground, out, "--engine", "serial")
    assert asked(ground.log, known) == kept(out)
    return out


def begun(out: Path) -> int:
    """Return how many pictures of an audit are begun, and not finished."""
    files = [
        file
        for file in out.glob("*/answers/*.jsonl")
        if journal.read(file, journal.ANSWERS).entries
    ]
    return sum(not cell_store.is_finished(file.parents[1], file.stem) for file in files)


@needs_ray
def test_a_node_killed_half_way_changes_no_byte_and_loses_nothing(
    tmp_path: Path, ground: Ground, second: Any, whole: Path
) -> None:
    """What was kept is never asked again; what its workers had not told of yet is."""
    out, known = tmp_path / "run", len(audited.log(str(ground.log)))
    with started(ground.line(out, "--workers", 3), cwd=ROOT) as driver:
        # The first node has one core.
        wait_until(lambda: kept(out).total() >= 60 and begun(out) >= 2, driver)
        ground.cluster.remove_node(second, allow_graceful=False)
        before = kept(out)
    assert driver.returncode == 0
    assert contents(out) == contents(whole)
    again = asked(ground.log, known) - kept(whole)
    assert again.total() <= 2 * OF_A_STRIDE
    assert before <= kept(out)


@needs_ray
def test_defences_draw_on_the_cluster_what_they_draw_here(tmp_path: Path, ground: Ground) -> None:
    defended = ("--victim", f"{ROUGH},defence=noise:4,defence=median:3")
    elsewhere(ground, tmp_path / "here", *defended, "--engine", "serial")
    subprocess.run(ground.line(tmp_path / "there", *defended), check=True, cwd=ROOT, timeout=LIMIT)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@needs_ray
@pytest.mark.usefixtures("second")
def test_a_killed_worker_is_replaced(tmp_path: Path, ground: Ground, whole: Path) -> None:
    """Workers that share one GPU, and so one node."""
    out, known = tmp_path / "run", len(audited.log(str(ground.log)))
    *_, last = sorted(ground.pictures.iterdir())
    key = picture_key(iqaudit.read(last).pixels)  # in both cells
    ground.deadly.write_text(str(key))
    line = ground.line(out, "--gpus-per-worker", 0.5)
    done = subprocess.run(line, check=True, cwd=ROOT, stdout=subprocess.PIPE, timeout=LIMIT)
    assert done.stdout == b""
    assert ground.deadly.read_text() == ""
    assert contents(out) == contents(whole)
    assert asked(ground.log, known)[key] == 1 + 2


@needs_ray
def test_an_interrupt_is_kept_said_and_taken_up(
    tmp_path: Path, ground: Ground, whole: Path
) -> None:
    """On a cluster of its own, for want of an address, which ends with it."""
    out, known = tmp_path / "run", len(audited.log(str(ground.log)))
    line = command(ground, out, "--engine", "ray", "--workers", 2)
    code, said = interrupted(line, lambda: begun(out) >= 2)
    assert code == 130
    assert "of 6 pictures finished; the same command goes on." in said
    now = asked(ground.log, known)
    time.sleep(10 * PAUSE)
    assert kept(out) == now == asked(ground.log, known)
    elsewhere(ground, out, "--engine", "serial")
    assert contents(out) == contents(whole)
    assert asked(ground.log, known) == kept(whole)


@needs_ray
def test_auto_is_the_cluster_that_was_started_here(ground: Ground) -> None:
    assert cluster._started_here() == ground.cluster.address, (
        "Ray has the address of this machine's cluster elsewhere than iqaudit looks for it: see "
        "`address` in the docstring of ray.init, and mend iqaudit._audit.engines.cluster"
    )
    assert cluster._reachable("auto") == ground.cluster.address


# What is refused, and needs no cluster


@needs_ray
@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (("--ray-address", "127.0.0.1:1"), "no Ray cluster answers at"),
        (("--ray-address", "nowhere"), '"nowhere" is no address'),
        (("--ray-address", "nowhere:123456"), '"nowhere:123456" is no address'),
        (("--ray-address", "auto"), "No Ray cluster runs on this machine"),
        (("--ray-address", "ray://host:1"), "joins a cluster as one of its nodes"),
    ],
)
def test_an_address_without_a_cluster_is_said_at_once(
    others: Sequence[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    command = arguments(tmp_path, tmp_path / "run", "--engine", "ray", *others)
    line = [sys.executable, "-m", "iqaudit", *map(str, command)]
    done = subprocess.run(line, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_what_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for others, sentence in (
        (("--engine", "ray"), "pip install 'iqaudit[ray]'"),
        (("--engine", "ray", "--gpus-per-worker", 1.5), "part of a GPU, as 0.25"),
        (("--engine", "ray", "--gpus-per-worker", -1), "part of a GPU, as 0.25"),
        (("--engine", "serial", "--ray-address", "auto"), "goes with --engine ray"),
        (("--gpus-per-worker", 0), "goes with --engine ray"),
    ):
        result = iqaudit_(*arguments(tmp_path, tmp_path / "run", *others))
        assert (result.exit_code, sentence in result.output) == (2, True), result.output


# A worker, and its driver, without a cluster


@pytest.fixture
def small(tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch) -> AuditSpec:
    for name in (audited.LOG, audited.PAUSE, audited.DIE):
        monkeypatch.delenv(name, raising=False)
    iqaudit.write(tmp_path / "p.png", make_picture(20, 24))
    return AuditSpec((VictimSpec(ROUGH),), Data(pictures=(str(tmp_path / "p.png"),)), queries=20)


@pytest.fixture
def task(tmp_path: Path, small: AuditSpec) -> Task:
    [picture] = collect([tmp_path / "p.png"])
    labels = {"opinion": None, "distortion": None, "reference": None}
    scale = iqaudit.Scale.from_range(0, 20)
    return Task(small.cells()[0], 0.0, scale, (Member(picture, labels),))


def remote_worker(root: Path) -> RemoteWorker:
    return RemoteWorker(root, load_audit(root), str(Path.cwd()))


def test_a_worker_sends_answers_as_they_come_and_the_files_in_the_end(
    tmp_path: Path, small: AuditSpec, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes on, elsewhere, from those that it sent."""
    [cell] = serial(small, tmp_path / "run")
    now = iter(range(1000))
    monkeypatch.setattr(worker, "STRIDE", 2.5)  # two steps, of a second each
    monkeypatch.setattr("iqaudit._audit.engines.worker.time.monotonic", lambda: next(now))
    one = remote_worker(tmp_path / "run")
    answers: list[Answer] = []
    reply = one.begin(task)
    while len(answers) < 8:
        # A task's first step tells where its answers led, and has none of its own.
        assert len(reply.answers["p"]) == (2 if answers else 1)
        answers += reply.answers["p"]
        assert reply.queries == {task.key: len(answers)}
        assert (reply.finished, reply.files, reply.ended, reply.error) == ((), (), False, None)
        reply = one.go_on()
    other = remote_worker(tmp_path / "run")
    [member] = task.members
    replies = [other.begin(replace(task, members=(replace(member, answers=tuple(answers)),)))]
    while not replies[-1].ended:
        replies.append(other.go_on())
    for reply in replies:
        answers += reply.answers.get("p", ())
    assert len(answers) == 20
    [last] = [reply for reply in replies if reply.finished or reply.files]
    assert (last.finished, replies.index(last) >= len(replies) - 2) == ((Ended(*task.key),), True)
    cell_store.prepare(tmp_path / "other")
    [files] = last.files
    cell_store.unpack(tmp_path / "other", files)
    for file in cell.glob("*/*"):
        assert file.read_bytes() == (tmp_path / "other" / file.relative_to(cell)).read_bytes()


def test_a_node_with_another_victim_or_version_is_refused(
    tmp_path: Path, small: AuditSpec, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scores would stand among the others'."""
    serial(small, tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(audited.rough, "_function", audited.rougher._function)
        reply = remote_worker(tmp_path / "run").begin(task)
    assert (reply.answers, reply.ended) == ({}, True)
    assert isinstance(reply.error, InputError)
    assert str(reply.error).endswith("differ there.")
    assert remote_worker(tmp_path / "run").about().error is None
    others = {**versions(), "torch": "1.0"}
    monkeypatch.setattr(actors, "versions", lambda: others)
    sentence = r"^On the node .+: torch is 1\.0; the audit was begun with"
    with pytest.raises(InputError, match=sentence):
        list(Pool(transport(_Rayless(), tmp_path / "run"), [task], Observer(), 1).run())


def test_other_last_digits_on_a_node_are_said_once(
    tmp_path: Path, small: AuditSpec, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iqaudit._audit.manifest.refuse_other_victim", lambda *_: False)
    observer = Stopping(-1)
    spec = larger(small, tmp_path, make_picture)
    execute.run(spec, tmp_path / "run", engine=rayless(_Rayless()), workers=2, observer=observer)
    [sentence] = observer.said
    assert sentence.startswith(f"The node {platform.node()}: a victim's scores differ")


def test_that_a_cluster_has_no_room_is_said_once(
    tmp_path: Path, small: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors, "PATIENCE", -1.0)
    serial(small, tmp_path / "run")
    observer, full = Stopping(-1), _Rayless()
    full.wait = lambda replies, **_: ([], replies)  # type: ignore[method-assign]
    waiting = Actors(full, tmp_path / "run", load_audit(tmp_path / "run"), observer, {})
    for _ in range(3):
        assert waiting.wait([], 0.0) == []
    assert observer.said == ["Waiting for a worker: others may have the cluster's cores and GPUs."]


class _Died(Exception):  # noqa: N818 (as Ray's)
    """Stands for all of Ray's own."""


class _Rayless:
    """What a pool needs of Ray; its workers are in this process, and die of some pictures."""

    exceptions = SimpleNamespace(RayError=_Died)

    def __init__(self, deadly: Sequence[str] = (), stillborn: int = 0) -> None:
        self._deadly, self._stillborn = list(deadly), stillborn

    def remote(self, made: Callable[..., RemoteWorker]) -> Any:
        def make(*given: Any) -> Any:
            one = made(*given)
            return SimpleNamespace(
                about=SimpleNamespace(remote=lambda: partial(self._about, one)),
                begin=SimpleNamespace(remote=lambda task: partial(self._begin, one, task)),
                go_on=SimpleNamespace(remote=lambda: one.go_on),
            )

        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=make))

    def _about(self, one: RemoteWorker) -> Reply:
        if self._stillborn:
            self._stillborn -= 1
            raise _Died("its node has gone")
        return one.about()

    def _begin(self, one: RemoteWorker, task: Task) -> Any:
        for name in [
            each.picture.name for each in task.members if each.picture.name in self._deadly
        ]:
            self._deadly.remove(name)
            raise _Died("killed")
        return one.begin(task)

    def wait(self, said: Sequence[Any], **_: Any) -> Any:
        return said[:1], said[1:]

    def get(self, said: Callable[[], Any]) -> Any:
        return said()

    def put(self, value: object) -> Any:
        return lambda: value

    def kill(self, _: Any) -> None:
        pass


def transport(ray: _Rayless, root: Path) -> Actors:
    return Actors(ray, root, load_audit(root), Observer(), {})


def rayless(ray: _Rayless) -> Any:
    """Return an engine of such workers."""

    def engine(
        root: Path, tasks: Iterable[Task], observer: Observer, workers: int | None, _: object
    ) -> Iterator[Ended]:
        yield from Pool(transport(ray, root), tasks, observer, workers or 1).run()

    return engine


def larger(small: AuditSpec, folder: Path, make_picture: MakePicture) -> AuditSpec:
    """Return the small audit with two pictures more."""
    for name in ("q", "r"):
        iqaudit.write(folder / f"{name}.png", make_picture(20, 24, ord(name)))
    return replace(small, data=Data(pictures=tuple(str(folder / f"{name}.png") for name in "pqr")))


@pytest.mark.parametrize(("stillborn", "over"), [(3, False), (100, True)])
def test_workers_that_a_dying_node_takes_along_are_one_death(
    *, stillborn: int, over: bool, tmp_path: Path, small: AuditSpec, make_picture: MakePicture
) -> None:
    """All were to start there; where none ever starts, that is said."""
    spec = larger(small, tmp_path, make_picture)
    ray = _Rayless(stillborn=stillborn)
    run = partial(execute.run, spec, tmp_path / "run", engine=rayless(ray), workers=3)
    if over:
        with pytest.raises(InputError, match="Ray's workers end before they begin"):
            run()
    else:
        [cell] = run()
        assert cell_store.is_done(cell)


@pytest.mark.parametrize(
    ("deaths", "given_up"), [({"p": 2, "q": 2}, ()), ({"p": 3}, "p"), ({"p": 3, "q": 3}, "pq")]
)
def test_a_picture_that_three_workers_die_on_is_given_up_and_the_others_go_on(
    deaths: dict[str, int],
    given_up: Sequence[str],
    tmp_path: Path,
    small: AuditSpec,
    make_picture: MakePicture,
) -> None:
    spec = larger(small, tmp_path, make_picture)
    ray = _Rayless([name for name, count in deaths.items() for _ in range(count)])
    run = partial(execute.run, spec, tmp_path / "run", engine=rayless(ray), workers=2)
    if given_up:
        [cell] = run()
        unscored = {each.name: each.reason for each in load(cell).unscored}
        assert list(unscored) == list(given_up)
        assert all("3 workers in a row died on the picture" in each for each in unscored.values())
        assert cell_store.finished(cell) == {"p", "q", "r"} - set(given_up)
    run()
    serial(spec, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("deaths", [0, 1, 2])
@pytest.mark.parametrize("batch", [2, 3])
def test_a_batch_changes_no_byte(
    batch: int, deaths: int, tmp_path: Path, small: AuditSpec, make_picture: MakePicture
) -> None:
    spec = larger(small, tmp_path, make_picture)
    ray = _Rayless(["q"] * deaths)
    execute.run(spec, tmp_path / "run", engine=rayless(ray), workers=2, batch=batch)
    serial(spec, tmp_path / "whole", batch=1)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_workers_take_the_scale_that_the_driver_settled(
    tmp_path: Path, small: AuditSpec, make_picture: MakePicture
) -> None:
    """With the clean scores that it was fitted to, which they do not ask again."""
    files = [tmp_path / f"many{seed}.png" for seed in range(10)]
    for seed, file in enumerate(files):
        iqaudit.write(file, make_picture(20, 24, seed) // (1 + seed % 3))
    spec = replace(small, data=Data(pictures=tuple(map(str, files))), queries=4)
    execute.run(spec, tmp_path / "run", engine=rayless(_Rayless(["q"])), workers=2)
    serial(spec, tmp_path / "whole")
    assert load_audit(tmp_path / "run").victims[0].scale.basis == "clean"
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_picture_that_another_worker_has_written_is_searched_no_more(
    batch: int, tmp_path: Path, small: AuditSpec, make_picture: MakePicture
) -> None:
    spec = larger(small, tmp_path, make_picture)
    observer = Outlived(spec, tmp_path / "run", tmp_path / "other", "q")
    engine = rayless(_Rayless())
    execute.run(spec, tmp_path / "run", engine=engine, workers=1, batch=batch, observer=observer)
    assert set(observer.asked) == {"p", "r"}
    serial(spec, tmp_path / "alone")
    assert contents(tmp_path / "run") == contents(tmp_path / "alone")


def test_an_answer_between_deaths_has_them_counted_anew() -> None:
    failures = Failures()
    answered = (False, False, True, False, False)
    *before, last = (
        failures.count(("cell", "p"), "with signal 9", answered=each) for each in answered
    )
    assert before == [""] * 4
    assert last.startswith("3 workers in a row died on the picture p, the last with signal 9.")


def test_a_victim_on_a_gpu_needs_to_be_given_a_part_of_one(
    tmp_path: Path, small: AuditSpec, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before Ray is asked for anything."""
    serial(small, tmp_path / "run")
    record = load_audit(tmp_path / "run")
    [victim] = record.victims
    record = replace(record, victims=(replace(victim, device="cuda:0"),))
    monkeypatch.setattr(cluster, "load_audit", lambda _: record)

    def joined(*_: object) -> Any:
        raise ConnectionError

    monkeypatch.setattr(cluster, "_cluster", joined)
    for gpus, error in ((0.0, InputError), (0.25, ConnectionError)):
        engine = cluster._engine("local", gpus, tmp_path / "run", [task], Observer(), 1, Victims())
        with pytest.raises(error, match="as gpus_per_worker" if error is InputError else None):
            list(engine)


@pytest.mark.slow
def test_a_victim_that_may_be_paid_is_asked_by_the_driver_alone(
    tmp_path: Path, small: AuditSpec
) -> None:
    paid = AuditSpec((VictimSpec("python:tests.support.audited:paid"),), small.data, queries=20)

    def nobody(*_: object) -> Any:
        pytest.fail("it was asked on the cluster")

    [cell] = execute.run(paid, tmp_path / "run", engine=nobody, yes=True)
    assert cell.exists()
