"""Python of documents and examples, run with few queries."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def pages() -> list[Path]:
    """Return the README and every page of the documentation that is written by hand."""
    made = ROOT / "docs" / "reference" / "generated"
    pages = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in pages if made not in page.parents)]


def run(code: str, script: Path) -> None:
    """Run code as a script of the given path, with a budget of four queries a picture."""
    script.write_text(re.sub(r"queries=\d+", "queries=4", code), "utf-8")
    runpy.run_path(str(script), run_name="__main__")
