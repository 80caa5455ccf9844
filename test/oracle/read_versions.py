"""Reads every version of a Delta table with delta-rs and with Polars: per reader and version, the columns with their type and values as JSON."""

import json
import os
import sys
from decimal import Decimal

import polars
from deltalake import DeltaTable


def columns(table):
    """Columns of an Arrow table except the one that names the source file, rows ordered by the first."""
    table = table.sort_by(table.column_names[0])
    return {
        name: [
            str(table.schema.field(name).type).replace("decimal128", "decimal"),
            [str(v) if isinstance(v, Decimal) else v for v in table[name].to_pylist()],
        ]
        for name in table.column_names
        if name != "_file"
    }


def main(path):
    found = {"deltalake": {}, "polars": {}}
    for version in range(DeltaTable(path).version() + 1):
        found["deltalake"][version] = columns(DeltaTable(path, version=version).to_pyarrow_table())
        found["polars"][version] = columns(polars.read_delta(path, version=version).to_arrow())
    print(json.dumps(found), flush=True)
    # The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
    os._exit(0)


main(sys.argv[1])
