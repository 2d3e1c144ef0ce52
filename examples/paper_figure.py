"""A figure for a paper: RGO against queries, with 95 % intervals."""

from itertools import groupby

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
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
figure, axes = plt.subplots(figsize=(3.5, 2.6), layout="constrained")
for attack, group in groupby(audit.by_queries().rows, key=lambda row: row.attack):
    rows = list(group)
    queries = [row.queries for row in rows]
    rgo = [row.values["rgo"] for row in rows]
    value, low, high = np.array([(each.value, each.low, each.high) for each in rgo], float).T
    axes.plot(queries, value, marker="o", label=attack)
    axes.fill_between(queries, low, high, alpha=0.2)
axes.set(xlabel="queries", ylabel="RGO", xscale="log", ylim=(0, None))
axes.legend(frameon=False)
figure.savefig("rgo.pdf", metadata={"CreationDate": None})
