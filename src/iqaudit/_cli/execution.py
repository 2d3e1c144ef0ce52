"""The options of an audit's execution: workers, batch, engine."""

from typing import Any, NamedTuple

import click

from iqaudit._audit.engines.cluster import ray
from iqaudit._audit.engines.registry import ENGINES
from iqaudit._cli import options
from iqaudit._core.errors import InputError


class Execution(NamedTuple):
    """The options of an execution."""

    workers: int | None
    batch: int | None
    engine: str | None
    ray_address: str | None
    gpus_per_worker: float | None

    def arguments(self) -> dict[str, Any]:
        """Return them as `iqaudit._audit.execute.run` takes them."""
        engine: Any = self.engine
        if self.engine == "ray":
            engine = ray(self.ray_address, self.gpus_per_worker or 0.0)
        else:
            options = {"--ray-address": self.ray_address, "--gpus-per-worker": self.gpus_per_worker}
            for name, value in options.items():
                if value is not None:
                    raise InputError(f"{name} goes with --engine ray.")
        return {"engine": engine, "workers": self.workers, "batch": self.batch}


execution_options = options.gathered(
    "execution",
    Execution,
    {
        "workers": options.in_execution(
            "--workers",
            type=int,
            metavar="N",
            help="Parallel worker processes.  [default: one a core]",
        ),
        "batch": options.in_execution(
            "--batch",
            type=int,
            metavar="N",
            help="Pictures searched together, in one batch of the victim.  [default: the victim's]",
        ),
        "engine": options.in_execution(
            "--engine",
            type=click.Choice(tuple(ENGINES)),
            help="Execution backend.  [default: processes where that takes less time, or serial]",
        ),
        "ray_address": options.in_execution(
            "--ray-address",
            metavar="auto|HOST:PORT",
            help="Ray cluster to join with --engine ray; otherwise Ray is started here.",
        ),
        "gpus_per_worker": options.in_execution(
            "--gpus-per-worker",
            type=float,
            metavar="GPUS",
            help="GPUs (or a part of one) a worker with --engine ray.  [default: 0]",
        ),
    },
)
"""The options of an audit's execution, options.gathered into a command's argument `execution`."""
