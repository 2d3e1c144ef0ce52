"""Write a JSON Schema of every JSON file of runs and audits: docs/schema.

python tools/write_schema.py
"""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from iqaudit._analysis import transfer
from iqaudit._analysis.defences import records, table
from iqaudit._analysis.findings import figures, insights
from iqaudit._harden import records as hardening
from iqaudit._runs import schema
from iqaudit._runs.records import AttackRecord, AuditRecord, RunRecord

FOLDER = Path(__file__).parents[1] / "docs" / "schema"

RECORDS: dict[str, tuple[str, type[Any]]] = {
    schema.RESULTS: (schema.FORMAT, RunRecord),
    schema.AUDIT: (schema.AUDIT_FORMAT, AuditRecord),
    schema.INSIGHTS: (insights.FORMAT, figures.Insights),
    schema.TRANSFER: (transfer.FORMAT, transfer.Transfer),
    schema.DEFENCES: (table.FORMAT, records.DefenceTable),
    hardening.HARDEN: (hardening.FORMAT, hardening.HardenRecord),
}

CHECKSUM = {
    "checksum": {
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
        "description": "CRC-32 of the file as it is without this key; earlier versions had none.",
    }
}


def schemas() -> dict[str, str]:
    """Return the text of each file's schema, by the file's name."""
    made = {name: _schema(*record) for name, record in RECORDS.items()}
    return {name: json.dumps(each, indent=1) + "\n" for name, each in made.items()}


def _schema(form: str, kind: type[Any]) -> dict[str, Any]:
    [whole], definitions = msgspec.json.schema_components([kind], schema_hook=_attack)
    for each in definitions.values():
        each["description"] = cleandoc(
            each["description"]
        )  # as indented as Python's version has it
    record = definitions[kind.__name__]
    record["properties"] = {"format": {"const": form}, **record["properties"], **CHECKSUM}
    record["required"] = ["format", *record["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": form,
        **whole,
        "$defs": definitions,
    }


def _attack(kind: type[Any]) -> dict[str, Any]:
    """Return the schema of an attack, whose hyper-parameters are free; called for nothing else."""
    if kind is not AttackRecord:
        raise NotImplementedError
    return {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, "utf-8")
