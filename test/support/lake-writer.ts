import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CandidateFile } from '../../src/core/ports/engine.ts';
import { openLake } from '../../src/lake/open-lake.ts';

/**
 * A small program for the kill tests: loads 12 units of work, then merges one partition, with nothing but the lake. Run again after a kill
 * it cleans up and goes on where the table says that it stopped. Arguments: lake folder, folder of prepared Parquet files, and a name for a
 * writer that races with others: it appends its own units and leaves the others' staging alone.
 */
const UNITS = 12;
const table = { layer: 'silver', name: 't' } as const;
const columns = [
  { name: 'i', type: 'bigint', nullable: true },
  { name: 'p', type: 'varchar', nullable: true },
];
const [url = '', prepared = '', racer] = process.argv.slice(2);
const run_id = `run-${process.pid}`;
const lake = await openLake({ url, layers: { bronze: 'bronze', silver: 'silver', gold: 'gold' } });
if (racer === undefined) await lake.leftovers(new Set(), true);

async function candidate(name: string, step_id: string, p: string, rows: number): Promise<CandidateFile> {
  const uri = join(await lake.stage(run_id, step_id, 'data'), `${name}.parquet`);
  await copyFile(join(prepared, `${name}.parquet`), uri);
  const stats = { num_records: rows, min_values: {}, max_values: {}, null_count: { i: 0 } };
  return { uri, rows, stats, size_bytes: (await stat(uri)).size, partition_values: { p } };
}

for (let unit = 0; unit <= (racer === undefined ? UNITS : UNITS - 1); unit++) {
  const snapshot = await lake.snapshot(table);
  const app_id = `${racer ?? 'unit'}-${unit}`;
  const step_id = `step-${unit}`;
  if (snapshot?.txns.has(app_id) === true) continue;
  const merge = unit === UNITS;
  await lake.commit({
    table,
    read_version: snapshot?.version,
    mode: merge ? 'rewrite' : 'append',
    add: [
      merge
        ? await candidate('merged', step_id, '0', 30)
        : await candidate(String(unit), step_id, String(unit % 2), 10),
    ],
    remove: merge ? (snapshot?.files ?? []).filter((file) => file.partition_values['p'] === '0') : [],
    columns,
    partition_by: ['p'],
    txns: [{ app_id, version: 1 }],
    note: { run_id, step_id, step: 'silver.t' },
    fence: () => undefined,
  });
  await lake.discardStaging(run_id, step_id);
}

await lake.discardStaging(run_id);
