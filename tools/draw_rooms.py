"""The drawing of the rooms in docs/explanation/design.md, made from the imports.

python tools/draw_rooms.py
"""

import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "design.md"
BEGIN, END = "<!-- rooms: made by tools/draw_rooms.py -->\n", "<!-- end of rooms -->"
DOOR = "iqaudit"
ABOVE = ("_cli", "testing")
"""The rooms that import the door itself."""


def rooms() -> list[str]:
    """Return the rooms that there are, lowest layer first, with the door among them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in settings["contracts"] if each["id"] == "layers")
    names = [name.strip(" ()") for layer in reversed(layers) for name in layer.split("|")]
    source = ROOT / "src" / "iqaudit"
    below = [name for name in names if (source / name).is_dir() and name not in ABOVE]
    return [*below, DOOR, *(name for name in names if (source / name).is_dir() and name in ABOVE)]


def drawing() -> str:
    """Return a row a room, marked in the columns of the rooms that it imports at run time."""
    graph = grimp.build_graph("iqaudit", exclude_type_checking_imports=True, cache_dir=None)
    names = rooms()
    imports = {
        (_room(importer), _room(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    width = max(map(len, names))
    head = " ".join(f"{number:>2}" for number in range(1, len(names) + 1))
    lines = [f"{'':>{width + 5}}{head}".rstrip()]
    for row, name in enumerate(names):
        marks = [
            "■" if row == column else "●" if (name, other) in imports else "·" * (column < row)
            for column, other in enumerate(names)
        ]
        cells = " ".join(f"{mark:>2}" for mark in marks)
        lines.append(f"{row + 1:>2}  {name:<{width}} {cells}".rstrip())
    return "".join(f"    {line}\n" for line in lines)


def drawn(page: str) -> str:
    """Return the page with the drawing in its place."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:begin]}\n{drawing()}\n{page[end:]}"


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else DOOR


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text("utf-8")), "utf-8")
    print(drawing())
