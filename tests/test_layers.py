"""The walls between rooms: import-linter's contracts hold, no files in a circle, a true drawing."""

import runpy
import subprocess
import sys
from pathlib import Path

import grimp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).parents[1]


def test_the_contracts_of_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports within functions and for types alone count too."""
    graph = grimp.build_graph("iqaudit", cache_dir=None)
    modules = sorted(graph.modules)
    index = {module: number for number, module in enumerate(modules)}
    rows, columns = zip(
        *(
            (index[module], index[other])
            for module in modules
            for other in graph.find_modules_directly_imported_by(module)
        ),
        strict=True,
    )
    matrix = csr_array(([1] * len(rows), (rows, columns)), shape=(len(modules), len(modules)))
    _, labels = connected_components(matrix, connection="strong")
    components: dict[int, list[str]] = {}
    for module, label in zip(modules, labels, strict=True):
        components.setdefault(label, []).append(module)
    assert [names for names in components.values() if len(names) > 1] == []


def test_the_drawing_of_the_rooms_is_that_of_the_imports() -> None:
    page = (ROOT / "docs" / "explanation" / "design.md").read_text("utf-8")
    drawn = runpy.run_path(str(ROOT / "tools" / "draw_rooms.py"))["drawn"]
    assert drawn(page) == page, "python tools/draw_rooms.py draws it again"
