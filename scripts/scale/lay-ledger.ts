import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';

const BINARY = resolve('bin/dataflow.js');
const CONFIG = `version: 1
name: scale
lake: { url: ./lake }
sources:
  a: { type: files, path: "data/*.csv", settle_seconds: 0, columns: { id: bigint, jour: date, v: bigint } }
silver:
  a: { from: a, key: id }
gold:
  jours: { sql: "select jour, sum(v) as v from silver.a group by jour" }
`;

/** Columns that a copy of a row has otherwise; `n` is the number of the copy, negative: it lies before everything that was real. */
const COPIES: readonly (readonly [table: string, changed: Readonly<Record<string, string>>])[] = [
  ['runs', { seq: 'n', run_id: "'run' || n" }],
  ['steps', { seq: 'n * 10 + t.seq', run_id: "'run' || n", step_id: 't.step_id || n' }],
  ['step_inputs', { step_id: 't.step_id || n' }],
  ['receipts', { seq: 'n', run_id: "'run' || n" }],
  ['releases', { seq: 'n', release_id: "'release' || n", run_id: "'run' || n" }],
  ['release_tables', { release_id: "'release' || n" }],
];

/** A small project that ran twice, and as many runs before that as are wanted, in its ledger alone. */
export function layLedger(root: string, runs: number): string {
  const cwd = join(root, 'project');
  mkdirSync(join(cwd, 'data'), { recursive: true });
  writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG);
  writeFileSync(join(cwd, 'data/a.csv'), 'id,jour,v\n1,2025-01-01,5\n2,2025-01-02,6\n');
  execFileSync(process.execPath, [BINARY, 'run'], { cwd, stdio: 'ignore' });
  const db = new DatabaseSync(join(cwd, 'lake/_dataflow/ledger.db'));
  db.exec('pragma foreign_keys = off; begin');
  for (const [table, changed] of COPIES) {
    const columns = db
      .prepare(`select name from pragma_table_info('${table}')`)
      .all()
      .map((row) => String(Object.values(row ?? {})[0]));
    const values = columns.map((column) => changed[column] ?? `t.${column}`).join(', ');
    db.exec(`insert into ${table} with recursive c(n) as (select -${runs} union all select n + 1 from c where n < -1)
      select ${values} from (select * from ${table}) t, c`);
  }
  db.exec('commit');
  db.close();
  return cwd;
}
