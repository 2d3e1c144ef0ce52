"""What the tests of audits share."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from iqaudit.campaign import running
from iqaudit.campaign.spec import Campaign
from iqaudit.campaign.watch import Watch
from iqaudit.cli import main

ROUGH = "python:tests.audited:rough"


def iqaudit_(*arguments: object) -> Result:
    """Run a command line."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def serial(campaign: Campaign, out: Path, **others: Any) -> tuple[Path, ...]:
    """Run an audit in this process."""
    return running.run(campaign, out, engine="serial", **others)


class Stopping(Watch):
    """Stops an audit after so many words of it."""

    def __init__(self, after: int) -> None:
        self.said: list[str] = []
        self._left = after

    def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
        self._left -= 1
        self.stopping = not self._left

    def says(self, sentence: str) -> None:
        self.said.append(sentence)


def begun(campaign: Campaign, run: Path, queries: int = 30) -> None:
    """Run an audit, and stop it after so many queries."""
    with pytest.raises(KeyboardInterrupt):
        serial(campaign, run, watch=Stopping(queries))
