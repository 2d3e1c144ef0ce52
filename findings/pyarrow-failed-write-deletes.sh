#!/usr/bin/env bash
# pyarrow 26.0.1: a Parquet table that cannot be written takes the older file of that name with it.
#
# Expected: write_table raises, and the file that was there is either as it was or, at worst, cut
# short, as with Python's own open() and with pyarrow's writers of CSV and Arrow files.
# Happens: after the error there is no file of that name at all. pyarrow removes its target where a
# write fails, though it was not pyarrow that made it; what the schema forbids is seen before a byte
# is written, and the old table is gone all the same.
# Why it matters: figures are exported again and again to the same name, by a nightly job, say. One
# column of a type that Parquet does not have, or a full disk, and yesterday's figures are gone too.
# A table written to memory first, and then to the file, does not have it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, ipc, parquet

yesterday = pa.table({"score": [61.5, 48.25]})
# Months, days and nanoseconds: a type of Arrow for which neither Parquet nor CSV has a form.
today = pa.table({"score": [61.5], "span": pa.array([pa.MonthDayNano([0, 1, 0])])})


def arrow(table, path):
    with ipc.new_file(path, yesterday.schema) as file:
        file.write_table(table)  # of another schema than the file's: refused


gone = {}
for name, write in (("parquet", parquet.write_table), ("csv", csv.write_csv), ("arrow", arrow)):
    file = Path(f"scores.{name}")
    write(yesterday, str(file))
    before = file.stat().st_size
    try:
        write(today, str(file))
        print(f"{name}: written")
    except (pa.ArrowException, ValueError) as error:
        gone[name] = not file.exists()
        after = f"{file.stat().st_size} bytes" if file.exists() else "no file"
        print(f"{name}: {before} bytes, then {type(error).__name__}, then {after}")
if gone == {"parquet": True, "csv": False, "arrow": False}:
    print("As stated: the failed Parquet write removed the older table, the other two did not.")
else:
    print("Changed: what a failed write leaves of the older file is not as stated.")
    sys.exit(1)
PY
