"""Makes sound input files and judges what a lake holds of damaged ones, with Python's own csv, json, gzip and with pyarrow.

One JSON line in, one JSON line out:
{"op": "make", "folder": F, "kind": K, "count": N, "seed": S} → {"files": [path]}
{"op": "judge", "lake": L, "table": "bronze/csv", "kind": K, "files": [{"path", "base", "id", "status", "records", "rejected"}]}
    → {"outcomes": {id: [outcome, detail]}}
Outcomes: refused (the whole file is kept aside), same (its rows are those before the damage), as the file says (the rows are what
the damaged file says to an independent reader, the rest is rejected), SILENT (anything else).
"""

import csv
import datetime
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

COLUMNS = ["id", "label", "amount", "day"]
WORDS = ["été", "naïve", "a,b", 'say "so"', "plain", "two\nlines", "日本", "", "x" * 40, "tail "]


def rows_of(draw: random.Random) -> list:
    return [
        {
            "id": draw.randrange(-(2**40), 2**40),
            "label": draw.choice(WORDS) + str(draw.randrange(1000)),
            "amount": Decimal(draw.randrange(-(10**6), 10**8)) / 100,
            "day": datetime.date(1990, 1, 1) + datetime.timedelta(days=draw.randrange(20000)),
        }
        for _ in range(draw.choice([1, 3, 20, 200]))
    ]


def csv_text(rows: list) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([row[c] for c in COLUMNS] for row in rows)
    return out.getvalue().encode()


def json_row(row: dict) -> str:
    return '{"id":%d,"label":%s,"amount":%s,"day":"%s"}' % (
        row["id"], json.dumps(row["label"], ensure_ascii=False), row["amount"], row["day"])


def content_of(kind: str, rows: list) -> bytes:
    if kind.startswith("csv"):
        return csv_text(rows)
    if kind.startswith("ndjson"):
        return "".join(json_row(row) + "\n" for row in rows).encode()
    return ("[" + ",\n".join(json_row(row) for row in rows) + "]\n").encode()


def parquet_file(path: str, kind: str, rows: list) -> None:
    schema = pa.schema([("id", pa.int64()), ("label", pa.string()), ("amount", pa.decimal128(12, 2)), ("day", pa.date32())])
    table = pa.Table.from_pylist(rows, schema)
    pq.write_table(
        table, path, row_group_size=64, data_page_size=512, compression="zstd" if "zstd" in kind else "snappy",
        write_page_checksum="checksum" in kind, use_dictionary=["label"], store_schema=False)


def compressed(kind: str, content: bytes) -> bytes:
    if kind.endswith(".gz"):
        return gzip.compress(content, mtime=0)
    if kind.endswith(".zst"):
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, "zstd") as stream:
            stream.write(content)
        return out.getvalue().to_pybytes()
    return content


def make(question: dict) -> dict:
    kind, files = question["kind"], []
    draw = random.Random(f"{question['seed']} {kind}")
    for index in range(question["count"]):
        rows = rows_of(draw)
        path = os.path.join(question["folder"], f"{kind.replace(' ', '-')}-{index}")
        if kind.startswith("parquet"):
            parquet_file(path, kind, rows)
        else:
            with open(path, "wb") as out:
                out.write(compressed(kind, content_of(kind, rows)))
        files.append(path)
    return {"files": files}


class Refuse(Exception):
    """An independent reader finds the file as a whole unreadable."""


def expanded(kind: str, data: bytes) -> bytes:
    try:
        if kind.endswith(".gz"):
            return gzip.decompress(data)
        if kind.endswith(".zst"):
            with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
                return stream.read()
    except Exception as error:
        raise Refuse(str(error)) from error
    return data


def number(value):
    """A whole number in any form in which the guide (docs/guide/types.md) says that it is read: 7, 007, 7.0, 7e3."""
    text = str(value).strip()
    plain = re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text, re.ASCII)
    exponent = len(text) <= 18 and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,2}", text, re.ASCII)
    if not plain and not exponent:
        return None
    found = Decimal(text)
    return int(found) if found == found.to_integral_value() else None


def days_of(text: str) -> int:
    """Days since 1970, of any year; digits of month and day may be single ones."""
    year, month, day = re.fullmatch(r"\s*(\d{1,7})-(\d{1,2})-(\d{1,2})\s*", text, re.ASCII).groups()
    return int(np.datetime64(f"{int(year):04}-{int(month):02}-{int(day):02}", "D").astype(int))


def typed(values: dict):
    """A row with its types, or None when it does not fit them."""
    try:
        identity = values["id"]
        amount = values["amount"]
        day = values["day"]
        if isinstance(identity, bool):
            return None
        if identity == "":
            identity = None
        elif identity is not None:
            identity = number(identity)
            if identity is None:
                return None
        if identity is not None and not -(2**63) <= identity < 2**63:
            return None
        if isinstance(amount, str):
            amount = None if amount == "" else Decimal(amount.strip())
        if amount is not None:
            amount = Decimal(amount)
            if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")) or abs(amount) >= 10**10:
                return None
        if isinstance(day, str):
            day = None if day == "" else days_of(day)
        label = values["label"]
        if isinstance(label, str):
            label.encode()  # a lone surrogate is no text
        return line_of(identity, label, amount, day)
    except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError):
        return None


def line_of(identity, label, amount, day) -> str:
    text = None if amount is None else str(Decimal(amount).quantize(Decimal("0.01")))
    return json.dumps([identity, label or "", text, day])


def csv_records(text: str) -> list:
    reader = csv.reader(io.StringIO(text, newline=""))
    records = [record for record in reader if record != []]
    if not records or Counter(name.strip().lower() for name in records[0]) != Counter(COLUMNS):
        raise Refuse("header")
    header = [name.strip().lower() for name in records[0]]
    return [typed(dict(zip(header, r))) if len(r) == len(header) else None for r in map(trimmed, records[1:])]


def trimmed(record: list) -> list:
    """Empty fields behind the last column are nothing, says the guide (docs/guide/types.md)."""
    while len(record) > len(COLUMNS) and record[-1] == "":
        record = record[:-1]
    return record


def json_object(value):
    return None if not isinstance(value, dict) else typed({c: value.get(c) for c in COLUMNS})


def first_wins(pairs):
    found = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def parse_json(text: str):
    return json.loads(text, parse_float=Decimal, object_pairs_hook=first_wins)


def json_records(text: str) -> list:
    try:
        found = parse_json(text)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise Refuse(str(error)) from error
    return [json_object(value) for value in (found if isinstance(found, list) else [found])]


def ndjson_records(text: str) -> list:
    found = []
    for line in re.split(r"\r\n|\n|\r", text):
        if line.strip() == "":
            continue
        try:
            found.append(json_object(parse_json(line)))
        except (ValueError, RecursionError, ArithmeticError):
            found.append(None)
    return found


def rows_in(table: pa.Table) -> list:
    """Rows with days as numbers: Python has no dates beyond the year 9999."""
    at = [name.lower() for name in table.column_names].index("day")
    days = table.column(at)
    if pa.types.is_date32(days.type):
        table = table.set_column(at, table.column_names[at], days.cast(pa.int32()))
    return table.to_pylist()


def parquet_records(data: bytes) -> list:
    try:
        table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
        rows = rows_in(table)
    except Exception as error:
        raise Refuse(str(error)) from error
    return named(rows, table.column_names)


def named(rows: list, names: list) -> list:
    """Columns go by their name without case, as the guide says of files with a header."""
    by_name = {name.lower(): name for name in names}
    if sorted(by_name) != sorted(set(by_name) | set(COLUMNS)) or len(by_name) != len(names):
        raise Refuse("columns")
    return [typed({c: row[by_name[c]] for c in COLUMNS}) for row in rows]


def records_of(kind: str, data: bytes, expand=expanded) -> list:
    """What each record says (None for one that does not fit); raises Refuse."""
    if kind.startswith("parquet"):
        return parquet_records(data)
    text = expand(kind, data).decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    if kind.startswith("csv"):
        return csv_records(text)
    return ndjson_records(text) if kind.startswith("ndjson") else json_records(text)


def lake_rows(lake: str, table: str) -> dict:
    found: dict = {}
    folder = os.path.join(lake, table)
    if not os.path.isdir(os.path.join(folder, "_delta_log")):
        return found
    for row in rows_in(DeltaTable(folder).to_pyarrow_table()):
        found.setdefault(row["_file"], []).append(line_of(row["id"], row["label"], row["amount"], row["day"]))
    return found


def lines_alone(kind: str, data: bytes, expand=expanded) -> set:
    """Each physical line of a CSV by itself: what a reader may find that gets in step again after a stray quote."""
    if not kind.startswith("csv"):
        return set()
    text = expand(kind, data).decode("utf-8", "surrogateescape")
    found = set()
    for line in text.splitlines():
        for record in map(trimmed, csv.reader([line])):
            if len(record) == len(COLUMNS):
                found.add(typed(dict(zip(COLUMNS, record))))
    return found


def second_reader(kind: str, data: bytes, refusal: Refuse) -> list:
    """What another independent reader makes of it, where there is one: pyarrow minds statistics that say nothing of the values."""
    if not kind.startswith("parquet"):
        raise refusal
    try:
        table = polars.read_parquet(io.BytesIO(data)).to_arrow()
        return named(rows_in(table), table.column_names)
    except BaseException as error:  # polars panics on some damage
        raise refusal from error


def expanded_otherwise(kind: str, data: bytes) -> bytes:
    """
    Another version of the reference decoder. Of a damaged frame without checksum the versions make different texts, and none of them
    refuses it: such a file says what any of them reads.
    """
    node = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "unzstd.mjs")], input=data, capture_output=True, timeout=60)
    if node.returncode != 0:
        raise Refuse(node.stderr.decode())
    return node.stdout


def is_unchecked(data: bytes) -> bool:
    """True for a zstd file whose first frame carries no checksum of its content (RFC 8878, 3.1.1.1.1)."""
    return len(data) > 4 and data[4] & 4 == 0


def judge_file(kind: str, file: dict, loaded: list) -> list:
    if file["status"] == "missing":
        return ["SILENT", "neither loaded nor refused: it keeps its source from loading anything"]
    if file["status"] in ("quarantined", "duplicate"):
        return ["refused", ""] if loaded == [] else ["SILENT", "refused, and yet there are rows of it"]
    if len(loaded) + file["rejected"] != file["records"]:
        return ["SILENT", f"{len(loaded)} rows + {file['rejected']} rejected are not {file['records']} records"]
    with open(file["base"], "rb") as stream:
        before = [r for r in records_of(kind, stream.read()) if r is not None]
    if Counter(before) == Counter(loaded):
        return ["same", ""]
    with open(file["path"], "rb") as stream:
        data = stream.read()
    try:
        try:
            says = records_of(kind, data)
        except Refuse as refusal:
            says = second_reader(kind, data, refusal)
    except Refuse as refusal:
        return ["SILENT", f"loaded, though an independent reader refuses it: {refusal}"]
    found = verdict(kind, file, loaded, says, data)
    if found[0] != "SILENT" or not kind.endswith(".zst") or not is_unchecked(data):
        return found
    try:
        return verdict(kind, file, loaded, records_of(kind, data, expanded_otherwise), data, expanded_otherwise)
    except Refuse:
        return found


def verdict(kind: str, file: dict, loaded: list, says: list, data: bytes, expand=expanded) -> list:
    made_up = Counter(loaded) - Counter(r for r in says if r is not None)
    if made_up and not set(made_up) <= lines_alone(kind, data, expand):
        return ["SILENT", f"rows that the file does not hold: {list(made_up)[:2]}"]
    if not made_up and len(says) > file["records"]:
        return ["SILENT", f"{len(says)} records in the file, {file['records']} were counted"]
    return ["as the file says", ""]


def judge(question: dict) -> dict:
    rows = lake_rows(question["lake"], question["table"])
    kind = question["kind"]
    return {"outcomes": {f["id"]: judge_file(kind, f, rows.get(f["id"], [])) for f in question["files"]}}


OPERATIONS = {"make": make, "judge": judge}


def main() -> None:
    csv.field_size_limit(1 << 30)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = OPERATIONS[question["op"]](question)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    # The readers' own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
    os._exit(0)


main()
