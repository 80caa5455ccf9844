import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchSettings, Figure } from './figure.ts';
import { timed } from './measure.ts';
import { makeRetail } from './retail-data.ts';

const BINARY = resolve('bin/dataflow.js');
/** Rows of purchases that make about a gigabyte of CSV. */
const ROWS_PER_GB = 21_000_000;
const FLAT = 1.25;

const CONFIG = `version: 1
name: large
lake: { url: ./lake }
engine: { type: duckdb, threads: 2, memory_limit: 1GB }
sources:
  achats: { type: files, path: "data/achats*.csv", columns: { id_achat: bigint, id_client: bigint, date_achat: date, montant: "decimal(12,2)", produit: varchar } }
silver:
  achats:
    from: achats
    rules: [ { not_null: [id_achat, montant] }, { between: { column: montant, above: 0 } } ]
gold:
  kpi_ca_par_jour: "select date_achat, sum(montant) as ca_total, count(*) as ventes from silver.achats group by all"
`;

/** Ten gigabytes in one file under a limit of one: the memory is that of one gigabyte of input. */
export async function largeInput(settings: BenchSettings): Promise<readonly Figure[]> {
  const peaks: number[] = [];
  const walls: number[] = [];
  for (const gigabytes of [1, 10]) {
    const cwd = join(settings.folder, `${gigabytes}gb`);
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG);
    await makeRetail(join(cwd, 'data'), gigabytes * ROWS_PER_GB);
    const run = await timed(process.execPath, [BINARY, 'run'], { cwd });
    peaks.push(run.peak_rss_mb);
    walls.push(run.wall_ms);
    rmSync(cwd, { recursive: true, force: true });
  }
  const [small = Number.NaN, large = Number.NaN] = peaks;
  const [quick = Number.NaN, slow = Number.NaN] = walls;
  return [
    {
      name: '10 GB of CSV under memory_limit 1GB',
      ours: `${large.toFixed(0)} MB`,
      beside: `${small.toFixed(0)} MB`,
      ratio: (large / small).toFixed(2),
      limit: `≤ ${FLAT}`,
      ok: large / small <= FLAT,
      note: `peak resident set, beside that of 1 GB; ${(slow / 1000).toFixed(0)} s beside ${(quick / 1000).toFixed(0)} s`,
    },
  ];
}
