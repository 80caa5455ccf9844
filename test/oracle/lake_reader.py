"""Answers questions about lakes with delta-rs, an independent reader: one JSON line in, one JSON line out, until the input ends.

{"op": "tables", "lake": L, "history": bool} → {"tables": {"silver/t": {"rows", "digest", "versions": {"0": digest}}}, "strays": [path]}
{"op": "places", "places": {N: URL}, "storage": {}} → {N: {"rows", "digest"}}
{"op": "ledger", "file": F}                  → {"sound": text, "steps": n, "unbalanced": [step]}
Rows are compared without order, and without columns that name a run or a clock. Of decisions about rejected rows only what is in force
counts: a command that is given again decides once more about rows that are still open, and comes to the same. A stray is a data file that no log entry of its table
names. Anything that cannot be read is {"error": text}.
"""

import hashlib
import json
import os
import sqlite3
import sys
from urllib.parse import unquote

import pyarrow.parquet as pq
from deltalake import DeltaTable

VOLATILE = {"run_id", "quarantined_at", "decided_run_id", "decided_at"}
IN_FORCE = ["action", "file", "mended", "mended_raw", "quarantine_id", "raw", "why"]


def digest_of(table: DeltaTable) -> dict:
    rows = table.to_pyarrow_table()
    columns = sorted(c for c in rows.column_names if c not in VOLATILE)
    kept = rows.to_pylist()
    if "decision" in columns:
        columns = IN_FORCE
        kept = {row["quarantine_id"]: row for row in sorted(kept, key=lambda row: row["decision"])}.values()
    lines = sorted(json.dumps([str(row[c]) for c in columns]) for row in kept)
    digest = hashlib.sha256(json.dumps([columns, lines]).encode()).hexdigest()
    return {"rows": len(lines), "digest": digest}


def places(question: dict) -> dict:
    storage = question["storage"]
    return {name: digest_of(DeltaTable(url, storage_options=storage)) for name, url in question["places"].items()}


def read_table(folder: str, history: bool) -> dict:
    table = DeltaTable(folder)
    found = digest_of(table)
    if history:
        found["versions"] = {}
        for version in range(table.version()):
            try:
                found["versions"][version] = digest_of(DeltaTable(folder, version=version))["digest"]
            except Exception:  # a version that retention has let go
                continue
        found["versions"][table.version()] = found["digest"]
    return found


def table_folders(lake: str):
    for base, folders, _ in os.walk(lake):
        if "_dataflow" in folders:
            folders.remove("_dataflow")
        if "_delta_log" in folders:
            yield base, os.path.relpath(base, lake)


def strays_of(folder: str) -> list:
    named = set()
    log = os.path.join(folder, "_delta_log")
    for name in os.listdir(log):
        if name.endswith(".checkpoint.parquet"):  # the entries before it may be gone
            for action in pq.read_table(os.path.join(log, name), columns=["add", "remove"]).to_pylist():
                named.update(unquote(body["path"]) for body in action.values() if body is not None)
        if not name.endswith(".json"):
            continue
        with open(os.path.join(log, name), encoding="utf-8") as lines:
            for line in lines:
                action = json.loads(line)
                for kind in ("add", "remove"):
                    if kind in action:
                        named.add(unquote(action[kind]["path"]))
    strays = []
    for base, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f != "_delta_log"]
        for name in files:
            path = os.path.relpath(os.path.join(base, name), folder)
            if path not in named:
                strays.append(os.path.join(folder, path))
    return strays


def tables(question: dict) -> dict:
    found, strays = {}, []
    for folder, name in table_folders(question["lake"]):
        if not any(entry.endswith((".json", ".parquet")) for entry in os.listdir(os.path.join(folder, "_delta_log"))):
            continue  # its first version was never published
        found[name] = read_table(folder, question.get("history", False))
        strays += strays_of(folder)
    return {"tables": found, "strays": strays}


def ledger(question: dict) -> dict:
    connection = sqlite3.connect(question["file"])
    try:
        sound = connection.execute("pragma integrity_check(1)").fetchone()[0]
        connection.row_factory = sqlite3.Row
        steps = connection.execute("select * from steps").fetchall()
        unbalanced = [
            row["step"]
            for row in steps
            if row["rows_in"] is not None
            and row["status"] == "succeeded"
            and row["rows_in"] != row["rows_out"] + row["quarantined"] + row["deduplicated"] + row["filtered"]
        ]
        return {"sound": sound, "steps": len(steps), "unbalanced": unbalanced}
    finally:
        connection.close()


OPERATIONS = {"tables": tables, "places": places, "ledger": ledger}


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = OPERATIONS[question["op"]](question)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    # The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
    os._exit(0)


main()
