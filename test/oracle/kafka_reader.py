"""Which offsets a lake holds, as delta-rs reads it: one JSON question a line, one JSON answer a line."""

import json
import os
import re
import sys
from collections import Counter

from deltalake import DeltaTable


def offsets(lake: str, table: str) -> dict:
    found: Counter = Counter()
    rows = DeltaTable(os.path.join(lake, "bronze", table)).to_pyarrow_table(columns=["_partition", "_offset"])
    found.update(zip(rows["_partition"].to_pylist(), rows["_offset"].to_pylist()))
    kept = os.path.join(lake, "quarantine", f"bronze_{table}")
    rejected = 0
    if os.path.isdir(kept):
        for row in DeltaTable(kept).to_pyarrow_table().to_pylist():
            place = re.search(r"/(\d+) offset (\d+)", json.dumps(row, default=str))
            if place is None:
                raise ValueError(f"a rejected row says not where it was: {row}")
            found[(int(place[1]), int(place[2]))] += 1
            rejected += 1
    return {
        "rows": rows.num_rows,
        "rejected": rejected,
        "twice": [f"{partition}/{offset}" for (partition, offset), count in found.items() if count > 1],
        "offsets": sorted(f"{partition}/{offset}" for partition, offset in found),
    }


for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = offsets(question["lake"], question["table"])
    except Exception as error:  # noqa: BLE001
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
# The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
os._exit(0)
