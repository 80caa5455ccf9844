# Spark's own client: raw-spark.py URL SQL KIND RUNS. Prints the milliseconds and those of processor time of each run, as JSON, one a line; the
# first run is to warm up. KIND is `arrow` (one table of Arrow) or `rows` (Python objects).
import json
import sys
import time

from pyspark.sql import SparkSession

url, sql, kind, runs = sys.argv[1:]
spark = SparkSession.builder.remote(url).getOrCreate()
for _ in range(int(runs) + 1):
    wall, cpu = time.perf_counter(), time.process_time()
    frame = spark.sql(sql)
    rows = frame.toArrow().num_rows if kind == "arrow" else len(frame.collect())
    wall_ms, cpu_ms = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
    print(json.dumps({"rows": rows, "wall_ms": wall_ms, "cpu_ms": cpu_ms}), flush=True)
spark.stop()
