"""Print the lowest versions that pyproject.toml allows, as pip takes constraints.

    python tools/oldest.py > constraints-oldest.txt

`make test-oldest` installs these; a test holds the file to this.
"""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"

HEAD = """\
# The lowest versions that pyproject.toml allows, by tools/oldest.py; `make test-oldest` installs
# them, on the oldest Python. A limit: torch is the version of constraints.txt, since an earlier
# one brings gigabytes of CUDA with it where no CPU build is offered.
"""

FIXED = {"torch": "2.13.0"}

APART = "pyiqa"
"""The extra that is tested by itself, with constraints of its own."""


def lowest(requirements: list[str]) -> dict[str, str]:
    """Return the lowest version of each requirement that has one."""
    found = (re.match(r"([\w.-]+)(?:\[[^]]*\])?(?:==|>=)([\w.]+)", each) for each in requirements)
    return {each[1]: FIXED.get(each[1], each[2]) for each in found if each}


def main() -> None:
    """Print the constraints."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    others = [each for name, extra in extras.items() if name != APART for each in extra]
    versions = lowest(project["dependencies"] + others)
    print(HEAD + "\n".join(f"{name}=={versions[name]}" for name in sorted(versions)))


if __name__ == "__main__":
    main()
