import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lake } from '../../src/core/ports/lake.ts';
import { openCare } from '../../src/lake/care/open-care.ts';
import { writeCheckpoint } from '../../src/lake/checkpoint/write-checkpoint.ts';
import { LogReader } from '../../src/lake/log-reader.ts';
import { openLake } from '../../src/lake/open-lake.ts';
import { LocalStorage } from '../../src/lake/storage-local.ts';
import { FOLDER, type LaidTable } from './lay-log.ts';

const LAYERS = { bronze: 'bronze', silver: 'silver', gold: 'gold' };
const TABLE = { layer: 'gold', name: 'ventes' } as const;
const COMMITS = 20;

/** What one process of its own measures; each says what it found, so that a wrong answer is seen beside its time. */
export const WORKS: Readonly<Record<string, (root: string, laid: LaidTable) => Promise<string>>> = {
  /** Opens the table as the first step of a run does. */
  snapshot: async (root) => {
    const snapshot = await (await lakeAt(root)).snapshot(TABLE);
    return `version ${snapshot?.version}, ${snapshot?.columns.length} columns`;
  },
  /** What a refresh has to know after one partition changed: what came and went, and which files hold its rows now. */
  plan: async (root, { before, newest, day }) => {
    const lake = await lakeAt(root);
    const snapshot = await lake.snapshot(TABLE);
    const { added, removed } = await lake.changes(TABLE, before, newest);
    const files = snapshot?.filesIn((values) => values['jour'] === day) ?? [];
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    return `${added.length} came, ${removed.length} went, ${files.length} files and ${rows} rows to read`;
  },
  /** The whole table by its figures, as `status` of a release or an estimate wants it. */
  totals: async (root) => {
    const snapshot = await (await lakeAt(root)).snapshot(TABLE);
    return `${snapshot?.file_count} files, ${snapshot?.rows} rows, ${snapshot?.size_bytes} bytes`;
  },
  /** Twenty appends of one file: the first opens the table, the median of the others is what a commit takes. */
  commit: async (root) => {
    const lake = await lakeAt(root);
    const times: number[] = [];
    const snapshot = await lake.snapshot(TABLE);
    let read_version = snapshot?.version;
    for (let i = 0; i < COMMITS; i++) {
      const folder = await lake.stage('scale', 'append', `data${i}`);
      const uri = join(folder, 'data.zst.parquet');
      writeFileSync(uri, 'PAR1');
      const partition_values = { jour: '2030-01-01' };
      const stats = { num_records: 1, min_values: {}, max_values: {}, null_count: {} };
      const started = performance.now();
      const { version } = await lake.commit({
        table: TABLE,
        read_version,
        mode: 'append',
        add: [{ uri, rows: 1, size_bytes: 4, partition_values, stats }],
        remove: [],
        columns: snapshot?.columns ?? [],
        partition_by: ['jour'],
        txns: [{ app_id: 'scale', version: i }],
        note: { run_id: 'scale', step_id: `append${i}`, step: 'gold.ventes' },
        fence: () => undefined,
      });
      times.push(performance.now() - started);
      read_version = version;
    }
    const [median, most] = [times.sort((a, b) => a - b)[COMMITS >> 1] ?? 0, times.at(-1) ?? 0];
    return `${median.toFixed(1)} ms a commit, the slowest ${most.toFixed(0)} ms`;
  },
  checkpoint: async (root) => {
    const storage = new LocalStorage(root);
    const state = await new LogReader(storage, FOLDER).state();
    if (state === undefined) throw new Error('no table');
    const started = performance.now();
    await writeCheckpoint(storage, FOLDER, state);
    return `written in ${((performance.now() - started) / 1000).toFixed(2)} s`;
  },
  /** The part of `verify` that reads the log; there are no data files to hold against it. */
  verify: async (root) => {
    const report = await openCare({ url: root, layers: LAYERS }).examineLog(TABLE);
    return `${report.versions.length} versions, ${report.files.length} files, ${report.problems.length} problems`;
  },
};

async function lakeAt(root: string): Promise<Lake> {
  return await openLake({ url: root, layers: LAYERS });
}
