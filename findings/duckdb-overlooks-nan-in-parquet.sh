#!/usr/bin/env bash
# duckdb 2.0.1 (files of pyarrow 26.0.1 and polars 2.1.0): of a Parquet file isnan(x) finds no NaN, and NOT isnan(x) keeps all.
#
# Expected: a WHERE picks the same rows of a file as of a table that was made from the file.
# Happens: of a file that pyarrow or polars wrote, DuckDB takes the least and the largest value of the file's statistics
# for those of the column, but the format has NaN left out of them. A table of 4,096 gains has 410 NaN. WHERE
# isnan(gain) finds 0 of them, and count(*) FILTER (WHERE isnan(gain)) 410, in the same file. WHERE NOT isnan(gain) keeps all
# 4,096, so that the mean of "the rest" is NaN. gain > 30 has 2,048 rows where the table has 2,253 (NaN is the
# largest value to DuckDB), gain > 100 has 0 and 410. max(gain) is 59.989 of pyarrow's file and NaN of polars'. Of a
# file that DuckDB wrote itself, and of pyarrow's with write_statistics=False, all is as of the table.
# Why it matters: the query with which failed scores are counted, and the one with which they are left out, do
# nothing. CREATE TABLE AS SELECT * before it, and they work.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import parquet

# 4,096 attacks: every tenth could not be scored; the first half gained 2 to 20, the others 35 to 60.
rng = np.random.default_rng(0)
gain = np.concatenate([rng.uniform(2, 20, 2048), rng.uniform(35, 60, 2048)])
gain[::10] = np.nan
table = pa.table({"number": np.arange(4096), "gain": gain})
parquet.write_table(table, "pyarrow.parquet", row_group_size=2048)
parquet.write_table(table, "bare.parquet", row_group_size=2048, write_statistics=False)
pl.from_arrow(table).write_parquet("polars.parquet", row_group_size=2048)
base = duckdb.connect()
base.execute("CREATE TABLE memory_table AS SELECT * FROM 'pyarrow.parquet'")
base.execute("COPY memory_table TO 'duckdb.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
sources = {name: f"'{name}.parquet'" for name in ("pyarrow", "polars", "duckdb", "bare")} | {"table": "memory_table"}
wheres = ("true", "isnan(gain)", "NOT isnan(gain)", "gain > 30", "gain > 100", "NOT (gain <= 30)", "gain < 10", "NOT isfinite(gain)")
selects = ("count(*) FILTER (WHERE isnan(gain))", "max(gain)", "median(gain)")
statements = {f"WHERE {where}": f"SELECT count(*) FROM {{}} WHERE {where}" for where in wheres}
statements |= {select: f"SELECT {select} FROM {{}}" for select in selects}
statements["avg(gain) WHERE NOT isnan(gain)"] = "SELECT avg(gain) FROM {} WHERE NOT isnan(gain)"
print(f"{'':36}", *(f"{name:>10}" for name in sources))
seen = {}
for title, statement in statements.items():
    seen[title] = values = [base.execute(statement.format(source)).fetchall()[0][0] for source in sources.values()]
    print(f"{title:36}", *(f"{value:10.6g}" for value in values))
bad = {title for title, values in seen.items() for value in values[:2] if not np.isclose(value, values[-1], equal_nan=True)}
good = all(np.isclose(value, values[-1], equal_nan=True) for values in seen.values() for value in values[2:])
if (bad == {"WHERE isnan(gain)", "WHERE NOT isnan(gain)", "WHERE gain > 30", "WHERE gain > 100", "WHERE NOT (gain <= 30)", "max(gain)", "avg(gain) WHERE NOT isnan(gain)"}
        and good and seen["WHERE isnan(gain)"][:2] == [0, 0] and seen["WHERE NOT isnan(gain)"][:2] == [4096, 4096]):
    print("As stated: of such a file NaN are neither found nor left out.")
else:
    print("Changed: NaN in Parquet files are not treated as stated.")
    sys.exit(1)
PY
