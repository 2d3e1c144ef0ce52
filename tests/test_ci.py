"""The example of a nightly build: our own parser reads its commands, and they do what it says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

import iqaudit
from iqaudit._cli import main
from iqaudit.victims._spec import VictimSpec
from tests.support.audits import rough, uneven, write_run
from tests.support.documents import ROOT

WORKFLOW = (ROOT / "examples" / "nightly.yml").read_text("utf-8")
PAGE = (ROOT / "docs" / "guides" / "ci.md").read_text("utf-8")

SCORER = """
import numpy as np
def model(pictures):
    return 5 + np.abs(np.diff(pictures / 255.0, axis=2)).mean(axis=(1, 2, 3))
"""


def commands(text: str) -> list[list[str]]:
    """Return the lines of a text that call iqaudit, as a shell would split them."""
    joined = re.sub(r"\\\n\s*", "", text)
    [service] = re.findall(r"^ +SCORER: (.*)$", WORKFLOW, re.MULTILINE)
    lines = re.findall(r"^ +(iqaudit .*)$", joined, re.MULTILINE)
    return [shlex.split(line.replace("$SCORER", service))[1:] for line in lines]


class ParsedError(Exception):
    """The end of a command whose arguments were read, before its work."""


def parse(line: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the victims that a command begins its work with."""
    found: list[Any] = []

    def begin(*arguments: Any, **settings: Any) -> None:
        found.extend(settings.get("victims") or arguments[:1])
        raise ParsedError

    for name in ("audit", "plan", "check"):
        monkeypatch.setattr(iqaudit, name, begin)
    result = CliRunner().invoke(main, line)
    assert isinstance(result.exception, ParsedError), (line, result.output)
    return found


@pytest.mark.parametrize("text", [WORKFLOW, PAGE], ids=["workflow", "page"])
def test_every_command_is_one_of_ours(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCORER_TOKEN", "Bearer x")
    write_run(tmp_path / "baseline", rough(), uneven(2), queries=4)
    lines = commands(text)
    assert len(lines) >= 2
    for line in lines:
        victims = parse(line, monkeypatch)
        assert victims
        for victim in victims:
            if isinstance(victim, str):
                VictimSpec.parse(victim)


def test_the_page_has_the_commands_of_the_workflow() -> None:
    assert [line for line in commands(PAGE) if line not in commands(WORKFLOW)] == []


def test_the_workflow_is_yaml_whose_steps_run_or_use_something() -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load(WORKFLOW)["jobs"]
    assert set(jobs) == {"network", "service"}
    for job in jobs.values():
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])


@pytest.mark.slow
def test_the_networks_job_passes_and_fails_where_it_should(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "photos").mkdir()
    for number in range(6):
        pixels = rng.integers(90, 160, (24, 24, 3)).astype(np.uint8)
        iqaudit.write(tmp_path / "photos" / f"p{number}.png", pixels)
    scorer = tmp_path / "scorer.py"
    scorer.write_text(SCORER)

    def job(*names: str) -> list[int]:
        codes = []
        for line in commands(WORKFLOW[: WORKFLOW.index("  service:")]):
            if line[0] == "audit" and line[line.index("--out") + 1] in names:
                few = ["8" if line[at - 1] == "--queries" else each for at, each in enumerate(line)]
                done = subprocess.run(
                    [sys.executable, "-m", "iqaudit", *few], cwd=tmp_path, check=False
                )
                codes.append(done.returncode)
        return codes

    assert job("baseline", "tonight") == [0, 0]
    junit = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314 (our own)
    assert junit.attrib | {"failures": "0", "errors": "0"} == junit.attrib
    assert "over 6 pictures that both runs have, 2 and 2 seeds" in ET.tostring(junit, "unicode")
    scorer.write_text(SCORER.replace("5 + ", "9 * "))  # nine times as easily pushed
    assert job("tonight") == [4], "the folder is another network's"
    junit = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314 (our own)
    assert junit.attrib | {"failures": "0", "errors": "2"} == junit.attrib
