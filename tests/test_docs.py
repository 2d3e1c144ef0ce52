"""The documents: their Python runs, their links lead somewhere, each guide says its purpose."""

import os
import re
import sys
from pathlib import Path

import pytest

import iqaudit
from tests.support.documents import BLOCK, ROOT, pages, run

LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")

WITH_PYTHON = [
    str(page.relative_to(ROOT)) for page in pages() if BLOCK.search(page.read_text("utf-8"))
]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_PYTHON)
def test_the_documents_python_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    blocks = BLOCK.findall((ROOT / page).read_text("utf-8"))
    for number, block in enumerate(blocks):
        run(block, tmp_path / f"block{number}.py")


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in [*pages(), *ROOT.glob("*.md"), *(ROOT / "examples").glob("*.md")]:
        text = page.read_text("utf-8")
        for link in LINK.findall(text):
            assert link.startswith("https://") or (page.parent / link).exists(), (page.name, link)


def test_every_guide_opens_with_its_readers_wish() -> None:
    for guide in (ROOT / "docs" / "guides").glob("*.md"):
        if guide.name != "index.md":
            assert guide.read_text("utf-8").split("\n\n")[1].startswith("You "), guide.name


def test_the_version_is_in_the_changelog_and_the_citation() -> None:
    assert f"## {iqaudit.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"\nversion: {iqaudit.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
