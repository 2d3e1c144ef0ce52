"""The model card of a hardened victim."""

from collections.abc import Iterable, Sequence

from iqaudit._analysis.defences.records import COLUMNS, DefenceRow
from iqaudit._analysis.findings.sentences import figure
from iqaudit._core.threat import words
from iqaudit._harden.records import METHODS, EpochRecord, FitRecord, HardenRecord, SetRecord

UNSAID = "not said (`--licence TEXT`); those of the base's weights and of the pictures hold"

CLOSED = """\
Opinions were set on the scale of the old head's outputs by their ranks; where nobody rated, the
targets are the old head's own outputs. Of all ridges and penalties whose SROCC, of pictures held
out in turn, is within {loss:g} of the best, those were taken whose head moves least along the rows
of these. Movement is its root mean square, over the deviation of clean outputs. The new head's
outputs have the targets' mean and deviation."""

TRAINED = """\
A tenth of the pictures was held out of the training. Of the means of the latest weights at the end
of each epoch the last was taken whose SROCC on these is within {loss:g} of the best. Error and
movement are root mean squares on 0-10; their weights and steps are `Training`'s."""

FITS = {
    "rows": "{:,}",
    "ridge": "{:g}",
    "penalty": "{:.3g}",
    "srocc_before": "{:.3f}",
    "srocc": "{:.3f}",
    "srocc_best": "{:.3f}",
    "moved_before": "{:.3f}",
    "moved": "{:.3f}",
    "cosine": "{:.3f}",
}
"""The columns of fits."""

HEADS = (
    "fit",
    "rows",
    "ridge",
    "penalty",
    "SROCC before",
    "SROCC held out",
    "best",
    "movement before",
    "after",
    "cosine to the old head",
)


def card(record: HardenRecord, note: str, licence: str) -> str:
    """Return the card in Markdown.

    Parameters
    ----------
    record : HardenRecord
        Finished.
    note : str
        The base victim's card's.
    licence : str
        As the user words it; empty where nothing is said.
    """
    asked = record.asked
    options = "".join(f", {key}={value}" for key, value in sorted(asked.victim_options.items()))
    facts = (
        f"Base: `{asked.victim}{options}`{f'; {note}' if note else ''}",
        f"Licence: {licence or UNSAID}",
        f"Fitted on {_set(asked.data)}",
        f"Tested on {_set(asked.test)}, none of which was fitted on",
        f"`weights.safetensors`: SHA-256 {record.weights_sha256}",
        f"Made with {', '.join(map(' '.join, record.versions.items()))}; seed {asked.seed}",
    )
    parts = [
        f"# {asked.victim}, hardened: {asked.method}",
        f"    {record.spec}",
        "\n".join(f"- {each}" for each in facts),
        f"## What was done\n\n{METHODS[asked.method]}",
    ]
    if record.fits:
        parts += [CLOSED.format(loss=asked.loss), _fits(record.fits)]
    if record.epochs:
        parts += [TRAINED.format(loss=asked.loss), _epochs(record.epochs)]
    if record.table is not None:
        parts += ["## Before and after", *map(_row, record.table.rows)]
    return "\n\n".join(parts) + "\n"


def _set(pictures: SetRecord) -> str:
    rated = f"{pictures.rated} rated by people" if pictures.rated else "rated by nobody"
    return f"{pictures.pictures} pictures of {pictures.name}, {rated} (SHA-256 {pictures.sha256})"


def _fits(fits: Iterable[FitRecord]) -> str:
    rows = (
        [str(number), *(form.format(getattr(each, name)) for name, form in FITS.items())]
        for number, each in enumerate(fits, 1)
    )
    return _lines(HEADS, rows)


def _epochs(epochs: Iterable[EpochRecord]) -> str:
    rows = (
        [str(number), f"{each.error:.2f}", f"{each.movement:.2f}", f"{each.srocc:.3f}"]
        for number, each in enumerate(epochs, 1)
    )
    return _lines(("epoch", "error", "movement", "SROCC held out"), rows)


def _row(row: DefenceRow) -> str:
    """Return every figure with its interval, and the verdict."""
    found = ((each, getattr(row, each.name)) for each in COLUMNS)
    rows = ([each.title, figure(of, each.form)] for each, of in found if of.value is not None)
    protocol = f"{row.attack}, {words(row.levels)}, goal {row.goal}, {row.queries:,} queries"
    return (
        f"{row.victim} with {row.defence}, {protocol}, {row.pictures} pictures; undefended is "
        f"before, defended and adaptive after:\n\n{_lines(('figure', 'value'), rows)}\n\n"
        f"**{row.verdict}**: {row.text}"
    )


def _lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    made = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in made)
