#!/usr/bin/env bash
# matplotlib 3.11.2: the constrained and the compressed layout cut the titles of square axes off, at some heights of a figure.
#
# Expected: these layouts make room for everything that axes carry, titles of several lines too.
# Happens: four panels of equal aspect side by side, two with a title of four lines. In figures 7.16 inches wide and 1.7 to 3
# high every tenth of an inch is tried: without an aspect all titles are whole; with an equal one a line of the longer
# titles leaves the figure at the upper edge at 2.3 and 2.4 in "constrained", and at 2.4 in "compressed", the layout for
# axes of a fixed aspect. Lower and higher figures are whole, and no warning is given.
# Why it matters: square panels, people's opinion against a metric's score, are the figure of quality papers, and the title
# carries the name and the correlation. A longer name in one of them decides, and only who opens the file sees it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 matplotlib==3.11.2 pillow==13.0.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
"$work/venv/bin/python" - <<'PY'
import io
import sys

import numpy
from matplotlib.figure import Figure
from PIL import Image

def cut(layout, aspect, height):
    figure = Figure((7.16, height), layout=layout, dpi=200)
    panels = figure.subplots(1, 4)
    for index, axes in enumerate(panels):
        axes.plot([0, 10], [0, 10], label="line")
        axes.set_title("one\ntwo" if index % 2 == 0 else "one\ntwo\nthree\nfour", fontsize=8)
        axes.set(xlabel="opinion", ylabel="score")
        axes.set_aspect(aspect)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return numpy.asarray(Image.open(file).convert("L"))[0].min() < 255

found = {}
for layout in ("constrained", "compressed"):
    for aspect in ("auto", "equal"):
        heights = [tenths / 10 for tenths in range(17, 31)]
        found[layout, aspect] = [height for height in heights if cut(layout, aspect, height)]
        print(f"{layout}, aspect {aspect}: a title is cut at heights of", found[layout, aspect] or "none")
as_stated = all(0 < len(found[layout, "equal"]) < 6 and not found[layout, "auto"] for layout in ("constrained", "compressed"))
print("As stated." if as_stated else "Changed: other figures are cut.")
sys.exit(not as_stated)
PY
