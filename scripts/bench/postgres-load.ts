import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeLeash } from '../services/processes.ts';
import { startServer } from '../services/room.ts';
import { SERVERS } from '../services/servers.ts';
import { type BenchSettings, type Figure, milliseconds, ratioFigure } from './figure.ts';
import { loadMemory } from './load-memory.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const LIMIT = 1.1;
/** What the same release again may take beyond the start of the program. */
const AGAIN_MS_MAX = 50;

const CONFIG = (url: string) => `version: 1
name: bench
connections:
  erp: { type: postgres, url: "${url}" }
sources:
  f: { type: files, path: in/f.csv, settle_seconds: 0, on_rewrite: replace, columns: { id: bigint, day: date, pays: varchar, mode: varchar, montant: "decimal(12,2)", at: timestamptz } }
loads:
  dwh: { connection: erp, schema: dwh, tables: [bronze.f], overrides: { bronze.f: { key: id, columns: { id: id, day: day, pays: pays, mode: mode, montant: montant, at: at } } } }
`;

/** Rows with ids from `from` to `to`; another `salt` gives other amounts. */
const rowsSql = (
  from: number,
  to: number,
  salt: number,
): string => `select i::bigint as id, date '2024-01-01' + (i % 700)::int as day,
  (array['France','Maroc','Belgique','Suisse'])[1 + i % 4] as pays, (array['CB','VIREMENT','ESPECES'])[1 + i % 3] as mode,
  (((i::bigint + ${salt}) * 7919) % 1000000 / 100.0)::numeric(12,2) as montant, timestamptz '2024-01-01Z' + i * interval '20 seconds' as at
  from generate_series(${from}, ${to}) i`;

/** A release that changes half of its rows and brings as many new ones into PostgreSQL, beside psql's \\copy of just these rows and one INSERT … ON CONFLICT. */
export async function postgresLoad(settings: BenchSettings): Promise<readonly Figure[]> {
  const rows = Math.min(settings.rows, 2_000_000);
  const half = rows / 2;
  const server = await startServer(SERVERS.postgresql, makeLeash());
  try {
    const url = server.settings['DATAFLOW_TEST_POSTGRESQL'] ?? '';
    const cwd = settings.folder;
    const psql = async (...statements: readonly string[]): Promise<number> =>
      (await timed('psql', [url, '-q', '-v', 'ON_ERROR_STOP=1', ...statements.flatMap((one) => ['-c', one])], { cwd }))
        .wall_ms;
    const ours = async (...words: readonly string[]): Promise<number> =>
      (await timed(process.execPath, [BINARY, ...words], { cwd })).wall_ms;
    mkdirSync(join(cwd, 'in'), { recursive: true });
    writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG(url));
    await psql(
      `create table base as ${rowsSql(1, rows, 0)}`,
      `\\copy base to in/f.csv csv header`,
      `create table news as ${rowsSql(half + 1, rows + half, 1)}`,
      `\\copy news to news.csv csv`,
      `\\copy (select * from base where id <= ${half} union all select * from news) to next.csv csv header`,
      'create table t (like base, primary key (id))',
    );
    await ours('run');
    renameSync(join(cwd, 'next.csv'), join(cwd, 'in/f.csv'));
    await ours('run');
    const times = { ours: [] as number[], psql: [] as number[], again: [] as number[], start: [] as number[] };
    for (let i = 0; i < settings.runs; i++) {
      await psql('truncate t', 'insert into t select * from base', 'vacuum analyze t');
      times.psql.push(
        await psql(
          'begin',
          'create temp table stage (like t) on commit drop',
          `\\copy stage from news.csv csv`,
          `insert into t select * from stage on conflict (id) do update set day = excluded.day, pays = excluded.pays, mode = excluded.mode, montant = excluded.montant, at = excluded.at`,
          'commit',
        ),
      );
      await psql('drop schema if exists dwh cascade');
      await ours('load', '--release', 'first');
      await psql('vacuum analyze dwh.f');
      times.ours.push(await ours('load'));
      times.again.push(await ours('load'));
      times.start.push(await ours('validate'));
    }
    const name = `postgres-load, upsert of ${(rows / 1e6).toFixed(1)}M rows`;
    const [again, start] = [median(times.again), median(times.start)];
    return [
      ratioFigure(
        name,
        median(times.ours),
        median(times.psql),
        LIMIT,
        'into a table of as many rows, half of them changed and half new: the difference of two releases found, changed rows merged through a staging table, new ones copied straight in, the table read under the lock and read back and the release recorded in one transaction; psql is given just the rows that differ',
      ),
      {
        name: 'postgres-load, the same release again',
        ours: milliseconds(again),
        beside: milliseconds(start),
        ratio: `+${(again - start).toFixed(0)} ms`,
        limit: `≤ +${AGAIN_MS_MAX} ms`,
        ok: again - start <= AGAIN_MS_MAX,
        note: 'beside `dataflow validate`, which reads the same configuration: a connection is made, the destination asked what it holds, and no engine opened',
      },
      await loadMemory('postgres-load', `{ type: postgres, url: "${url}" }`, rows, settings),
    ];
  } finally {
    await server.stop();
  }
}
