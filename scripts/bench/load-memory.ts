import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchSettings, Figure } from './figure.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
/** Ten times the rows may take that much more. */
const LIMIT = 1.25;

/** Rows as invoices have them, numbered from 1 to `upto` of `bronze.n`. */
export const INVOICES_SQL =
  `select i as id, date '2024-01-01' + (i % 700)::int as day, (['France', 'Maroc', 'Belgique', 'Suisse'])[1 + i % 4] as pays,
      (['CB', 'VIREMENT', 'ESPECES'])[1 + i % 3] as mode, ((i * 7919) % 1000000 / 100.0)::decimal(12,2) as montant, (i % 1000)::double / 7 as score,
      timestamptz '2024-01-01 00:00:00Z' + i * interval '20 seconds' as updated_at from (select unnest(range(1, upto + 1)) as i from bronze.n)`.replaceAll(
    /\s+/g,
    ' ',
  );

/** Peak memory of a load of all rows beside that of a tenth of them. @param target an entry of `connections:` */
export async function loadMemory(
  system: string,
  target: string,
  rows: number,
  { folder, runs }: BenchSettings,
): Promise<Figure> {
  const cwd = join(folder, 'memory');
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  writeFileSync(
    join(cwd, 'pipelines.yaml'),
    `version: 1
name: memory
connections: { target: ${target} }
sources: { n: { type: files, path: n.csv, settle_seconds: 0, on_rewrite: replace, columns: { upto: bigint } } }
gold: { invoices: { sql: "${INVOICES_SQL}", key: id } }
loads: { out: { connection: target, tables: [gold.invoices] } }
`,
  );
  const peak = async (count: number): Promise<number> => {
    writeFileSync(join(cwd, 'n.csv'), `upto\n${count}\n`);
    await timed(process.execPath, [BINARY, 'run'], { cwd });
    const peaks: number[] = [];
    for (let i = 0; i < Math.min(runs, 3); i++)
      peaks.push((await timed(process.execPath, [BINARY, 'load', '--full-refresh'], { cwd })).peak_rss_mb);
    return median(peaks);
  };
  const [few, all] = [await peak(Math.round(rows / 10)), await peak(rows)];
  const [small, large] = [rows / 10, rows].map((n) => (n >= 1e6 ? `${n / 1e6}M` : `${n / 1e3}k`));
  return {
    name: `${system}, memory of a load of ${large} rows`,
    ours: `${all.toFixed(0)} MB`,
    beside: `${few.toFixed(0)} MB`,
    ratio: (all / few).toFixed(2),
    limit: `≤ ${LIMIT}`,
    ok: all / few <= LIMIT,
    note: `peak of the process while all rows of a table go there, beside a table of ${small} rows`,
  };
}
