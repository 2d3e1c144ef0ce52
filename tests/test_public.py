"""The public surface: the names that are exported, and a light import."""

import subprocess
import sys

import iqaudit


def test_exported_names_are_these_and_exist() -> None:
    assert sorted(iqaudit.__all__) == [
        "Check",
        "Direction",
        "Patch",
        "Goal",
        "InputError",
        "Interrupted",
        "IqauditError",
        "Linf",
        "Outcome",
        "Picture",
        "Patched",
        "Row",
        "RunDirectory",
        "Scale",
        "Step",
        "Summary",
        "TrialResult",
        "VictimError",
        "attack",
        "attacks",
        "collect",
        "datasets",
        "load",
        "measures",
        "opinion_maximum",
        "read",
        "verify",
        "victims",
        "write",
    ]
    for module in (iqaudit, iqaudit.attacks, iqaudit.datasets, iqaudit.victims):
        for name in module.__all__:
            value = getattr(module, name)
            assert value.__doc__ or not callable(value)


def test_importing_is_light() -> None:
    code = "import sys, iqaudit; sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
