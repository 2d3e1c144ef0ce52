"""The engine of a Ray cluster: one that is running, or one of this machine for the while.

Ray itself is imported here alone, when it is asked for.
"""

import importlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from iqaudit._audit.engines.actors import Actors
from iqaudit._audit.engines.pool import Pool
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.observer import Observer
from iqaudit._audit.task import Task
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import load_audit
from iqaudit.victims._spec import Victims

LOCAL = "local"
"""In place of an address: a cluster of this machine's own."""

ANSWERS = 5.0
"""Seconds in which a cluster's head answers, or is taken for gone. Ray itself tries for minutes."""

LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""A setting of Ray's: whether it listens beyond this machine."""


def ray(
    address: str | None = None, gpus_per_worker: float = 0.0
) -> Callable[..., Generator[tuple[str, str]]]:
    """Return an engine that works on a Ray cluster.

    Parameters
    ----------
    address : str, optional
        ``"auto"``, or HOST:PORT of a running cluster's head; this machine is one of its nodes.
        Unless said, that of ``RAY_ADDRESS``; else Ray is started on this machine, for the while.
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
    joined = LOCAL
    if not _has_joined():
        joined = _answering(address or os.environ.get("RAY_ADDRESS") or LOCAL)
    return partial(_engine, joined, gpus_per_worker)


def _engine(
    address: str,
    gpus: float,
    root: Path,
    tasks: Iterable[Task],
    observer: Observer,
    workers: int | None,
    _victims: Victims,
) -> Generator[tuple[str, str]]:
    """Work tasks off on a cluster."""
    record = load_audit(root)
    for victim in record.victims:
        if victim.device.startswith("cuda") and not gpus:
            raise InputError(
                f'The victim "{victim.name}" computes on a GPU: say what part of one a worker '
                "takes, as --gpus-per-worker 0.25."
            )
    with _joined(address, workers) as module:
        needs = {"num_cpus": 1, **({"num_gpus": gpus} if gpus else {})}
        actors = Actors(module, root, record, observer, needs)
        yield from Pool(actors, tasks, observer, workers or _room(module, gpus)).run()


def _room(module: Any, gpus: float) -> int:
    """Return how many workers a cluster has room for, were it idle."""
    found = 0
    for node in module.nodes():
        if node["Alive"]:
            has = node["Resources"]
            most = has.get("CPU", 0.0)
            found += int(min(most, has.get("GPU", 0.0) / gpus) if gpus else most)
    if not found:
        what = f"a core and {gpus:g} of a GPU" if gpus else "a core"
        raise InputError(f"The Ray cluster has no node with {what} for a worker.")
    return found


@contextmanager
def _joined(address: str, workers: int | None) -> Iterator[Any]:
    """Be of a cluster; leave it, and end one of our own, in the end."""
    module = _ray(address)
    if _has_joined():
        yield module
        return
    handler = signal.getsignal(signal.SIGTERM)
    own = {"num_cpus": workers or usual_workers(["cpu"]), "include_dashboard": False}
    # Ray's own words come from a thread, to the standard output, which is our results'.
    with redirect_stdout(sys.stderr):
        try:
            module.init(
                address=address,
                log_to_driver=False,
                logging_level="ERROR",
                **(own if address == LOCAL else {}),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(f"Ray's cluster cannot be joined: {_first(error)}") from error
        try:
            yield module
        finally:
            module.shutdown()
            with suppress(ValueError):  # not the main thread, whose handlers these are
                signal.signal(signal.SIGTERM, handler)


def _has_joined() -> bool:
    """Whether whoever uses us has joined a cluster with Ray already."""
    module = sys.modules.get("ray")
    return module is not None and bool(module.is_initialized())


def _ray(address: str) -> Any:
    """Return Ray's module, imported once its settings are made."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells nobody that it is used
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


def _answering(address: str) -> str:
    """Return the HOST:PORT of a cluster that answers; or `LOCAL`."""
    _ray(address)
    if address == LOCAL:
        return LOCAL
    if "://" in address:
        raise InputError(
            f"{address}: an audit joins a cluster as one of its nodes: give HOST:PORT of its head, "
            "and run where `ray start --address HOST:PORT` was run."
        )
    found = _started_here() if address == "auto" else address
    host, _, port = found.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 2**16:
        raise InputError(f'"{address}" is no address of a Ray cluster: say HOST:PORT.')
    try:
        with closing(socket.create_connection((host.strip("[]"), int(port)), ANSWERS)):
            return found
    except OSError as error:
        raise InputError(
            f"{address}: no Ray cluster answers at {found} ({error.strerror or error})."
        ) from None


def _started_here() -> str:
    """Return the HOST:PORT of the cluster that `ray start` joined this machine to.

    It is in the file that ``ray.init(address="auto")`` is documented to read. Ray itself would also
    try a cluster that is not there for minutes.
    """
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    try:
        return (Path(folder) / "ray" / "ray_current_cluster").read_text("utf-8").strip()
    except OSError:
        raise InputError(
            "No Ray cluster runs on this machine: start one with `ray start --head`, or join "
            "one with `ray start --address HOST:PORT`."
        ) from None


def _first(error: BaseException) -> str:
    """Return the first line of what Ray says."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else repr(error)
