"""Audits that scripts start, with worker processes, from wherever the script comes."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.auditing import ROOT, ROUGH
from tests.support.processes import LIMIT

pytestmark = pytest.mark.slow

AUDIT = """
import sys
import iqaudit

{guard}
    done = iqaudit.audit(
        ["{victim}"], sys.argv[1], queries=6, out=sys.argv[2], engine="processes", workers=2,
        analyses=False,
    )
    print(len(done.results()), "done")
"""

GUARDS = pytest.mark.parametrize("guard", ['if __name__ == "__main__":', "if True:"])


@pytest.mark.parametrize(
    ("guard", "way"), [('if __name__ == "__main__":', "stdin"), ("if True:", "-c")]
)
def test_a_script_that_is_no_file_needs_no_guard(
    way: str, guard: str, photos: Path, tmp_path: Path
) -> None:
    text = AUDIT.format(guard=guard, victim=ROUGH)
    script = ("-",) if way == "stdin" else ("-c", text)
    done = subprocess.run(
        [sys.executable, *script, photos, tmp_path / "run"],
        input=text,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("3 done\n", "", 0)


@GUARDS
def test_a_script_in_a_file_needs_its_guard_and_is_told(
    guard: str, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(AUDIT.format(guard=guard, victim=ROUGH))
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py", photos, tmp_path / "run"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if "name" in guard:
        assert (done.stdout, done.returncode) == ("3 done\n", 0)
    else:
        last = done.stderr.splitlines()[-1]
        assert 'under `if __name__ == "__main__":`, or says engine="serial".' in last
