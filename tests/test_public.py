"""The public surface: what is exported, and that the README's Python runs."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import iqaudit

ROOT = Path(__file__).parents[1]


def test_exported_names_are_these_and_exist() -> None:
    assert sorted(iqaudit.__all__) == [
        "Check",
        "Direction",
        "Edit",
        "Goal",
        "InputError",
        "Interrupted",
        "IqauditError",
        "Linf",
        "Outcome",
        "Picture",
        "Plan",
        "Proposal",
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
        "run",
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


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/guides/add-a-victim.md",
        "docs/guides/add-an-attack.md",
        "docs/guides/add-a-data-set.md",
        "docs/explanation/attacks.md",
        "docs/guides/insights.md",
        "docs/guides/report.md",
    ],
)
def test_the_documents_python_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        script = tmp_path / f"block{number}.py"
        script.write_text(re.sub(r"queries=\d+", "queries=4", block))
        runpy.run_path(str(script))


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), (page.name, link)


def test_the_version_is_in_the_changelog() -> None:
    assert f"## {iqaudit.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
