"""The public types hold for pyright too; mypy reads the same file in `make lint`."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.processes import LIMIT

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_pyright_sees_the_public_types() -> None:
    """Run with Node directly: the package's own command might ask the network for a Node."""
    spec, node = find_spec("pyright"), shutil.which("node")
    if spec is None or spec.origin is None or node is None:
        pytest.skip("needs Node, and pyright: pip install pyright")
    line = [node, str(Path(spec.origin).parent / "dist" / "index.js"), "--pythonpath"]
    done = subprocess.run(
        [*line, sys.executable, "tests/typing/public.py"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("0 errors")
