import { cpSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchSettings, type Figure, milliseconds, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';
import { makeRetail } from './retail-data.ts';

const BINARY = resolve('bin/dataflow.js');
/** Days over which the rows of the short history are spread. */
const DAYS = 720;

/** A fact table and a key figure per day, both refreshed by day: models whose rows depend on the rows of their own day only. */
const CONFIG = `version: 1
name: increment
lake: { url: ./lake }
engine: { type: duckdb, threads: 2, memory_limit: 4GB }
sources:
  achats: { type: files, path: "data/achats*.csv", settle_seconds: 0, columns: { id_achat: bigint, id_client: bigint, date_achat: date, montant: "decimal(12,2)", produit: varchar } }
silver:
  achats:
    from: achats
    rules: [ { not_null: [id_achat, montant] }, { between: { column: montant, above: 0 } } ]
    key: id_achat
    dedupe: { keep: first }
gold:
  fact_ventes:
    sql: "select id_achat, id_client, date_achat as date, strftime(date_achat, '%Y-%m') as mois, produit, montant from silver.achats"
    refresh: { by: date }
  kpi_ca_par_jour:
    sql: "select date, sum(montant) as ca_total, count(*) as nb_transactions, round(avg(montant), 2) as panier_moyen from gold.fact_ventes group by date"
    refresh: { by: date }
    tests: [ { unique: date } ]
`;

/** The same number of new rows after ten times as many days of the same volume: the time must not follow the history. */
export async function history(settings: BenchSettings): Promise<readonly Figure[]> {
  const short = await laden(settings, 1);
  const long = await laden(settings, 10);
  // What the first loads wrote is still on its way to the disk: an fsync of a small file would wait for it.
  await timed('sync', [], { cwd: settings.folder });
  const times: { readonly short: number[]; readonly long: number[] } = { short: [], long: [] };
  for (let i = 0; i < settings.runs; i++) {
    times.short.push(await delta(settings, short, i));
    times.long.push(await delta(settings, long, i));
  }
  for (const { cwd } of [short, long]) rmSync(cwd, { recursive: true, force: true });
  return [
    ratioFigure(
      `the same new rows on ${((settings.rows * 10) / 1e6).toLocaleString('en')}M`,
      median(times.long),
      median(times.short),
      1.1,
      `${(settings.rows / 100).toLocaleString('en')} new rows after ${(DAYS * 10).toLocaleString('en')} days, beside the same after ${DAYS} days and ${(settings.rows / 1e6).toLocaleString('en')}M rows; median of ${settings.runs} successive loads, taken alternately. A refresh opens only the files that may hold a touched day; what follows the history is the fact table with its 240 files instead of 27: their entries in the log, their paths in the view that the next table reads`,
    ),
  ];
}

/** A project and the rows that it has loaded. */
interface Laden {
  readonly cwd: string;
  readonly rows: number;
}

async function laden(settings: BenchSettings, times_as_long: number): Promise<Laden> {
  const rows = settings.rows * times_as_long;
  const cwd = join(settings.folder, String(rows));
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG);
  await makeRetail(join(cwd, 'data'), rows, { days: DAYS * times_as_long });
  await timed(process.execPath, [BINARY, 'run'], { cwd });
  return { cwd, rows };
}

async function delta(settings: BenchSettings, { cwd, rows }: Laden, index: number): Promise<number> {
  const name = `achats${index + 2}`;
  const from_row = rows + (index * settings.rows) / 100;
  await makeRetail(join(cwd, 'data'), settings.rows / 100, { from_row, name });
  utimesSync(join(cwd, `data/${name}.csv`), new Date(0), new Date(0));
  return (await timed(process.execPath, [BINARY, 'run'], { cwd })).wall_ms;
}

/** One per cent of new rows on the last days, against the full run over everything. */
export async function increment(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  const { rows } = settings;
  writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG);
  await makeRetail(join(cwd, 'data'), rows);
  await makeRetail(join(cwd, 'new'), rows / 100, { from_row: rows, name: 'achats2' });
  const full: number[] = [];
  const delta: number[] = [];
  for (let i = 0; i < settings.runs; i++) {
    rmSync(join(cwd, 'lake'), { recursive: true, force: true });
    rmSync(join(cwd, 'data/achats2.csv'), { force: true });
    full.push((await timed(process.execPath, [BINARY, 'run'], { cwd })).wall_ms);
    cpSync(join(cwd, 'new/achats2.csv'), join(cwd, 'data/achats2.csv'));
    utimesSync(join(cwd, 'data/achats2.csv'), new Date(0), new Date(0));
    delta.push((await timed(process.execPath, [BINARY, 'run'], { cwd })).wall_ms);
  }
  const [whole, part] = [median(full), median(delta)];
  const limit = whole * 0.03 + 300;
  return [
    {
      name: `1 % new rows on ${(rows / 1e6).toLocaleString('en')}M`,
      ours: milliseconds(part),
      beside: milliseconds(whole),
      ratio: (part / whole).toFixed(3),
      limit: `≤ 3 % + 300 ms = ${milliseconds(limit)}`,
      ok: part <= limit,
      note: 'beside our own full run over the rows before; fact and key figure refreshed by day. Four steps that wait for each other. A quarter of the time passes until the engine reads its first row (Node, planning, loading and opening the engine), a tenth each are the COPY of the new rows, of the silver rows and of the fact table, a twentieth the rejected rows, a twelfth fsync; of the CPU a third is the main thread, an eighth the look at the new file beside it',
    },
  ];
}
