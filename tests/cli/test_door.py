"""Everything that a command does is one call from Python, with the same name."""

from typing import Any

import pytest

import iqaudit
from iqaudit import _cli

OTHERS: dict[str, list[Any]] = {
    "tables": [iqaudit.Audit.table, iqaudit.Audit.by_queries, iqaudit.Audit.gate],
    "list": [iqaudit.list_victims, iqaudit.list_attacks],
    "defences": [iqaudit.compare_defences, iqaudit.Audit.compare_defences],
    "datasets": [iqaudit.list_datasets, iqaudit.datasets.load],
}
"""Of the commands whose name is a plural: a call for each thing that they print."""


@pytest.mark.parametrize("command", sorted(_cli.main.commands))
def test_a_commands_name_is_a_function_or_a_method(command: str) -> None:
    doors = [getattr(door, command, None) for door in (iqaudit, iqaudit.Audit)]
    calls = [each for each in doors if callable(each)] or OTHERS[command]
    assert all(each.__doc__ for each in calls)


@pytest.mark.parametrize("command", sorted(_cli.main.commands))
def test_a_command_has_a_file_of_its_name(command: str) -> None:
    callback = _cli.main.commands[command].callback
    assert callback is not None
    assert callback.__module__.removesuffix("_") == f"iqaudit._cli.{command}"
