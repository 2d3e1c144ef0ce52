"""The engine of a Ray cluster: one that is running, or one that is started on this machine.

Ray itself is imported here alone, when this engine is chosen.
"""

import importlib
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from iqaudit._audit.engines.actors import Actors
from iqaudit._audit.engines.pool import Pool
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.observer import Observer
from iqaudit._audit.task import Ended, Task
from iqaudit._core.errors import InputError
from iqaudit._core.wording import worded
from iqaudit._runs.schema import load_audit
from iqaudit.victims._spec import Victims

LOCAL = "local"
"""In place of an address: a cluster that this process starts, and ends."""

CONNECTS = 5.0
"""Seconds in which a cluster's head accepts a connection. Ray itself tries for minutes."""

LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""A setting of Ray's: whether it listens beyond this machine."""


def ray(
    address: str | None = None, gpus_per_worker: float = 0.0
) -> Callable[..., Generator[Ended]]:
    """Return an engine that works on a Ray cluster.

    Parameters
    ----------
    address : str, optional
        ``"auto"``, or HOST:PORT of a running cluster's head; this machine is one of its nodes. By
        default that of ``RAY_ADDRESS``; without one, Ray is started on this machine for the audit.
    gpus_per_worker : float
        GPUs that each worker takes: a part of one, or whole ones. Each takes a core besides.

    Raises
    ------
    InputError
        If a number cannot be used, Ray is not installed, or no cluster answers.
    """
    if not 0 <= gpus_per_worker < float("inf") or (gpus_per_worker > 1 and gpus_per_worker % 1):
        raise InputError(
            f"A worker takes a part of a GPU, as 0.25, or whole ones, not {gpus_per_worker:g}."
        )
    head = LOCAL
    if not _has_joined():
        head = _reachable(address or os.environ.get("RAY_ADDRESS") or LOCAL)
    return partial(_engine, head, gpus_per_worker)


def _engine(
    address: str,
    gpus: float,
    root: Path,
    tasks: Iterable[Task],
    observer: Observer,
    workers: int | None,
    _victims: Victims,
) -> Generator[Ended]:
    """Work tasks off on a cluster."""
    record = load_audit(root)
    for victim in record.victims:
        if victim.device.startswith("cuda") and not gpus:
            raise InputError(
                f'The victim "{victim.name}" computes on a GPU: say what part of one a worker '
                f"takes, as {worded('gpus_per_worker=0.25', '--gpus-per-worker 0.25')}."
            )
    with _cluster(address, workers) as module:
        needs = {"num_cpus": 1, **({"num_gpus": gpus} if gpus else {})}
        actors = Actors(module, root, record, observer, needs)
        yield from Pool(actors, tasks, observer, workers or _room(module, gpus)).run()


def _room(module: Any, gpus: float) -> int:
    """Return the number of workers that a cluster has room for when it is idle."""
    room = 0
    for node in module.nodes():
        if node["Alive"]:
            most = node["Resources"].get("CPU", 0.0)
            if gpus:
                most = min(most, node["Resources"].get("GPU", 0.0) / gpus)
            room += int(most)
    if not room:
        what = f"a core and {gpus:g} of a GPU" if gpus else "a core"
        raise InputError(f"The Ray cluster has no node with {what} for a worker.")
    return room


@contextmanager
def _cluster(address: str, workers: int | None) -> Iterator[Any]:
    """Join or start a cluster; leave it, or end it, at the end."""
    module = _ray(address)
    if _has_joined():
        yield module
        return
    handler = signal.getsignal(signal.SIGTERM)
    started = {"num_cpus": workers or usual_workers(["cpu"]), "include_dashboard": False}
    # A thread of Ray's prints to the standard output, which is for our results.
    with redirect_stdout(sys.stderr):
        try:  # which sets its own handler
            module.init(
                address=address,
                log_to_driver=False,
                logging_level="ERROR",
                **(started if address == LOCAL else {}),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            line, *_ = str(error).strip().splitlines() or [repr(error)]
            raise InputError(f"Ray's cluster cannot be joined: {line.rstrip('.')}") from error
        finally:
            with suppress(ValueError):  # not the main thread, whose handlers these are
                signal.signal(signal.SIGTERM, handler)
        try:
            yield module
        finally:
            module.shutdown()


def _has_joined() -> bool:
    """Whether this process has joined a cluster already."""
    module = sys.modules.get("ray")
    return module is not None and bool(module.is_initialized())


def _ray(address: str) -> Any:
    """Return Ray's module, imported once its settings are made."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or it reports its use to its makers
    if address == LOCAL:
        os.environ.setdefault(LOOPBACK, "0")
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        # Ray would write one to the user's home, and take it for that of all later clusters.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise InputError(
            f"The engine ray needs Ray, which is not installed ({error}): "
            "pip install 'iqaudit[ray]'."
        ) from None


def _reachable(address: str) -> str:
    """Return the HOST:PORT of a cluster whose head accepts a connection; or `LOCAL`."""
    _ray(address)
    if address == LOCAL:
        return LOCAL
    if "://" in address:
        raise InputError(
            f"{address}: an audit joins a cluster as one of its nodes: give HOST:PORT of its head, "
            "and run where `ray start --address HOST:PORT` was run."
        )
    head = _started_here() if address == "auto" else address
    host, _, port = head.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 2**16:
        raise InputError(f'"{address}" is no address of a Ray cluster: say HOST:PORT.')
    try:
        with closing(socket.create_connection((host.strip("[]"), int(port)), CONNECTS)):
            return head
    except OSError as error:
        raise InputError(
            f"{address}: no Ray cluster answers at {head} ({error.strerror or error})."
        ) from None


def _started_here() -> str:
    """Return the HOST:PORT of the latest cluster that `ray start` started or joined here.

    It is in the file that ``ray.init(address="auto")`` is documented to read.
    """
    temporary = "/tmp" if sys.platform == "darwin" else tempfile.gettempdir()  # noqa: S108
    folder = os.environ.get("RAY_TMPDIR") or temporary
    try:
        return (Path(folder) / "ray" / "ray_current_cluster").read_text("utf-8").strip()
    except OSError:
        raise InputError(
            "No Ray cluster runs on this machine: start one with `ray start --head`, or join "
            "one with `ray start --address HOST:PORT`."
        ) from None
