"""A figure and a table for a paper: RGO against queries, with 95 % intervals."""

from pathlib import Path

from skimage import data

import iqaudit

audit = iqaudit.audit(
    victims=["reference"],
    data=[data.astronaut(), data.chelsea(), data.coffee()],
    attacks=["bidirectional", "guided"],
    queries=1000,
    out="figure",
    engine="serial",
)  # the same call again reads what is there
audit.plot("curve", "rgo.pdf")  # its numbers: rgo.csv
Path("rgo.tex").write_text(audit.table().to_text("latex", ["rgo", "ssim", "flip"]), "utf-8")
