"""The report: one self-contained HTML file, made from a run's directory alone."""

import base64
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from iqaudit import images
from iqaudit.images import Pixels
from iqaudit.record import REPORT, file_names, load
from iqaudit.report import plots
from iqaudit.trial import Outcome

LARGEST_SIDE = 1024
"""Pixels of a picture that the page shows: the middle of a larger one, since resampling would
hide the very change that is to be seen."""

FINISHED = {outcome.name.lower() for outcome in Outcome if outcome.finished}
OUTCOMES = {outcome.name.lower(): outcome.value for outcome in Outcome}


def write_report(path: str | os.PathLike[str]) -> Path:
    """Write a run's report.html beside its results.json, and return its path.

    Parameters
    ----------
    path : path
        A run's directory.

    Raises
    ------
    InputError
        If the directory holds no run, or one of its pictures is gone.
    """
    path = Path(path)
    record = load(path)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("iqaudit", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    page = environment.get_template("page.html.j2").render(
        record=record,
        summary=record["summary"],
        cost=record["victim"].get("cost", 1),
        pictures=[_view(path, entry, record) for entry in record["pictures"]],
        outcomes=OUTCOMES,
        finished=FINISHED,
        unit=_unit(record),
    )
    temporary = path / f"{REPORT}.part"
    temporary.write_text(page, "utf-8")
    return temporary.replace(path / REPORT)


def _view(path: Path, entry: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of one picture."""
    files = file_names(entry["name"])
    clean = images.read(path / files["clean"]).pixels
    attacked = images.read(path / files["attacked"]).pixels
    shown = _middle(clean.shape[0]), _middle(clean.shape[1])
    # Half of 0-255 either way, so that the whole allowed change spans the greys.
    gain = 127 / record["levels"]
    change = attacked.astype(np.float64) - clean
    amplified = np.rint(128 + gain * change).clip(0, 255).astype(np.uint8)
    return dict(entry) | {
        "clean_image": _data_url(clean[shown]),
        "attacked_image": _data_url(attacked[shown]),
        "change_image": _data_url(amplified[shown]),
        "shown_height": len(range(clean.shape[0])[shown[0]]),
        "shown_width": len(range(clean.shape[1])[shown[1]]),
        "gain": f"{gain:.3g}",
        "curve": plots.curve(entry["trace"], entry["queries"]),
    }


def _middle(size: int) -> slice:
    start = max(0, (size - LARGEST_SIDE) // 2)
    return slice(start, start + min(size, LARGEST_SIDE))


def _data_url(pixels: Pixels) -> str:
    """Embed a picture without loss."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=80, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _figure(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def _unit(record: Mapping[str, Any]) -> str:
    scale = record["victim"]["scale"]
    if scale["low"] is None or scale["high"] is None:
        return "unbounded"
    return f"{scale['low']:g} to {scale['high']:g}"
