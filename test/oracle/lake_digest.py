"""Prints one digest per table of each lake given, read by delta-rs: an independent reader of what was published.

Usage: lake_digest.py LAKE [LAKE…] → one JSON line per lake: {"lake": …, "tables": {"silver/achats": {"rows": n, "digest": …}}}
Columns that name a run or a clock are left out; rows are compared without order.
"""

import hashlib
import json
import os
import sys

from deltalake import DeltaTable

VOLATILE = {"run_id", "quarantined_at"}


def digest(folder: str) -> dict:
    table = DeltaTable(folder).to_pyarrow_table()
    columns = sorted(c for c in table.column_names if c not in VOLATILE)
    rows = sorted(json.dumps([str(row[c]) for c in columns]) for row in table.select(columns).to_pylist())
    text = json.dumps([columns, rows])
    return {"rows": len(rows), "digest": hashlib.sha256(text.encode()).hexdigest()}


def main() -> None:
    for lake in sys.argv[1:]:
        tables = {}
        for base, folders, _ in os.walk(lake):
            if "_delta_log" in folders and "_dataflow" not in base:
                tables[os.path.relpath(base, lake)] = digest(base)
        print(json.dumps({"lake": lake, "tables": dict(sorted(tables.items()))}))
    sys.stdout.flush()
    # The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
    os._exit(0)


main()
