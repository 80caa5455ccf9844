import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { makeLeash } from '../services/processes.ts';
import { startServer } from '../services/room.ts';
import { SERVERS } from '../services/servers.ts';
import { type BenchSettings, type Figure, milliseconds, ratioFigure } from './figure.ts';
import { median, serverCpuMs, timed } from './measure.ts';
import { floorFigure } from './parts.ts';

const BINARY = resolve('bin/dataflow.js');
/** 0.8 of the other's speed. */
const LIMIT = 1.25;

const CONFIG = (url: string) => `version: 1
name: bench
connections:
  erp: { type: postgres, url: "${url}" }
sources:
  factures: { type: postgres, connection: erp, table: factures }
  factures_cursor: { type: postgres, connection: erp, table: factures, cursor: { column: updated_at }, batch: { records: 5000000, bytes: 1GB } }
`;

/** How the bare engine reads what was landed. */
const READER = `read_csv(FILE, columns={id: 'bigint', date_facture: 'date', pays: 'varchar', mode_paiement: 'varchar', montant: 'decimal(12,2)', updated_at: 'timestamptz'}, auto_detect=false, header=false, delim=',', quote='"', escape='"')`;

/** A table of PostgreSQL into the lake (landed, checked, parsed, committed), whole and by cursor, beside psql's \\copy of it to a file. */
export async function postgresIngest(settings: BenchSettings): Promise<readonly Figure[]> {
  const rows = Math.min(settings.rows, 2_000_000);
  const server = await startServer(SERVERS.postgresql, makeLeash());
  try {
    const url = server.settings['DATAFLOW_TEST_POSTGRESQL'] ?? '';
    await fill(url, rows);
    const cwd = settings.folder;
    writeFileSync(join(cwd, 'pipelines.yaml'), CONFIG(url));
    const times = { whole: [] as number[], cursor: [] as number[], psql: [] as number[], cpu: [] as number[] };
    const psql_cpu: number[] = [];
    const served = { whole: 0, psql: 0 };
    const ours = async (source: string): Promise<number> => {
      rmSync(join(cwd, 'lake'), { recursive: true, force: true });
      const { wall_ms, cpu_ms } = await timed(process.execPath, [BINARY, 'ingest', source], { cwd });
      if (source === 'factures') times.cpu.push(cpu_ms);
      return wall_ms;
    };
    // The session that filled the table has ended by then, and counts for nobody.
    await sleep(500);
    const pids = server.processes().map(({ pid }) => pid);
    const watched = async (side: 'whole' | 'psql', work: () => Promise<number>): Promise<void> => {
      const before = serverCpuMs(pids);
      times[side].push(await work());
      // The session ends a moment after its client, and counts only then.
      await sleep(200);
      served[side] += (serverCpuMs(pids) - before) / settings.runs;
    };
    const copy = ['-qc', '\\copy factures to out.csv csv header'];
    for (let i = 0; i < settings.runs; i++) {
      await watched('psql', async () => {
        const { wall_ms, cpu_ms } = await timed('psql', [url, ...copy], { cwd });
        psql_cpu.push(cpu_ms);
        return wall_ms;
      });
      await watched('whole', () => ours('factures'));
      times.cursor.push(await ours('factures_cursor'));
    }
    const size = `${(statSync(join(cwd, 'out.csv')).size / 1e6).toFixed(0)} MB`;
    const note =
      'into a bronze table: sealed units, every record counted and checked, parsed, zstd Parquet, commit; psql only writes the bytes. Two cores for both sides and the server, which formats its text on them for a second. Of our processor time, by perf on two cores that were busy with other work, 35 % is the engine that reads the CSV and writes Parquet, 13 % Node’s and our start, 11 % writing the landed rows, 8 % collecting buffers, 3 % SHA-256, 4 % our JavaScript, 3 % the socket. What has to be there whoever does it is the floor below; with the server’s second and a start it takes nearly all that two cores have within the limit, were neither ever idle';
    const name = `postgres, ${(rows / 1e6).toFixed(1)}M rows, ${size}`;
    return [
      ratioFigure(`${name}, whole`, median(times.whole), median(times.psql), LIMIT, note),
      {
        name: `${name}, CPU`,
        ours: milliseconds(median(times.cpu)),
        beside: milliseconds(median(psql_cpu)),
        ratio: (median(times.cpu) / median(psql_cpu)).toFixed(2),
        note: `processor time of both; the server has ${milliseconds(served.whole)} more for it, ${milliseconds(served.psql)} for psql`,
      },
      ratioFigure(
        `${name}, by cursor`,
        median(times.cursor),
        median(times.psql),
        undefined,
        'in the order of cursor and key',
      ),
      await floorFigure(name, { cwd, source: 'factures', reader: READER, beside_cpu_ms: median(psql_cpu) }),
    ];
  } finally {
    await server.stop();
  }
}

async function fill(url: string, rows: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`create table factures as select i::bigint as id, date '2024-01-01' + (i % 700)::int as date_facture,
    (array['France','Maroc','Belgique','Suisse'])[1 + i % 4] as pays, (array['CB','VIREMENT','ESPECES'])[1 + i % 3] as mode_paiement,
    ((i::bigint * 7919) % 1000000 / 100.0)::numeric(12,2) as montant, timestamptz '2024-01-01Z' + i * interval '20 seconds' as updated_at
    from generate_series(1, ${rows}) i`);
  await client.query('alter table factures add primary key (id)');
  await client.query('create index on factures (updated_at, id)');
  await client.query('vacuum analyze factures');
  await client.end();
}
