"""Write the golden trajectories anew, on purpose, and say what changed.

    python tools/regenerate_golden.py

One small JSON for each named attack, in tests/golden. A change of an attack's trajectory is a
change of its results: say so in CHANGELOG.md.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support import golden

from iqaudit.attacks import ATTACKS


def main() -> None:
    """Compare, say, write."""
    golden.FOLDER.mkdir(exist_ok=True)
    for name in ATTACKS:
        file = golden.FOLDER / f"{name}.json"
        old = golden.load(name) if file.exists() else {}
        new = golden.trajectory(name)
        changed = [key for key in new if new[key] != old.get(key)]
        for key in changed:
            print(f"{name}: {key}: {old.get(key)} -> {new[key]}")
        if not changed:
            print(f"{name}: unchanged")
        file.write_text(json.dumps(new) + "\n")


if __name__ == "__main__":
    main()
