import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The built program; another build takes its place to show that the checks can fail. */
export const BINARY = process.env['DATAFLOW_TEST_BINARY'] ?? resolve('bin/dataflow.js');

const CONFIG = `version: 1
name: kill
lake: { url: ./lake }
engine: { type: duckdb, threads: 2, memory_limit: 512MB }
sources:
  clients: { type: files, path: in/clients*.csv, settle_seconds: 0, columns: { id: bigint, pays: varchar } }
  achats: { type: files, path: in/achats*.csv, settle_seconds: 0, columns: { id: bigint, client: bigint, jour: date, montant: "decimal(12,2)" } }
silver:
  clients: { from: clients, rules: [ { not_null: [id, pays] } ], key: id, dedupe: { keep: first } }
  achats:
    from: achats
    rules: [ { not_null: [id, montant] }, { between: { column: montant, above: 0 } }, { references: { column: client, table: silver.clients, on: id } } ]
    key: id
    dedupe: { keep: last }
gold:
  par_jour: { sql: "select jour, count(*) as n, sum(montant) as total from silver.achats group by all", refresh: { by: jour }, tests: [ { not_null: [n] } ] }
  par_pays: { sql: "select c.pays, sum(a.montant) as total from silver.achats a join silver.clients c on a.client = c.id group by all" }
`;

const FIRST = {
  'clients1.csv': 'id,pays\n1,France\n2,Italie\n2,Espagne\n3,\n',
  'achats1.csv':
    'id,client,jour,montant\n1,1,2025-01-01,10.50\n2,2,2025-01-02,20.00\n3,9,2025-01-02,5.00\n4,1,2025-01-03,-1\nx,1,2025-01-03,1\n5,1,2025-01-03,7.25\n5,1,2025-01-04,8.25\n',
};
/** The second load: a reference that was missing, an update of a published row, a new day. */
const SECOND = {
  'clients2.csv': 'id,pays\n9,Portugal\n',
  'achats2.csv': 'id,client,jour,montant\n2,2,2025-01-02,22.00\n6,9,2025-02-01,30.00\n7,8,2025-02-01,1.00\n',
};
/** After so many versions the next one makes a checkpoint. */
const VERSIONS_BEFORE_CHECKPOINT = 10;

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** What is killed, on what, and how it is finished afterwards. */
export interface Scenario {
  readonly name: string;
  /** The command that must exist for it. */
  readonly needs?: string;
  /** Makes the state before the command in a folder. */
  prepare(folder: string): void;
  /** The command that is killed; run again as it is after the kill. */
  readonly command: readonly string[];
  /** It may end with 4, because some rows stay where they are. */
  readonly partly?: boolean;
  /** Every other time a plain run comes before it is given again, as by a schedule: it finishes what was decided. */
  readonly plain_run?: boolean;
  /** Run after it on both sides, so that what it led to is compared too. */
  readonly after?: readonly (readonly string[])[];
}

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'in'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'in', name), text);
}

function newProject(folder: string): void {
  put(folder, FIRST);
  writeFileSync(join(folder, 'pipelines.yaml'), CONFIG);
}

function loaded(folder: string): void {
  newProject(folder);
  must(folder, ['run']);
}

function merged(folder: string): void {
  loaded(folder);
  put(folder, SECOND);
  must(folder, ['run']);
}

/** Runs a command of the preparation, which nothing disturbs. */
function must(folder: string, args: readonly string[], expected = 0): string {
  const child = spawnSync(process.execPath, [BINARY, ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  if (child.status !== expected) throw new Error(`${args.join(' ')} ended with ${child.status}:\n${child.stderr}`);
  return child.stdout;
}

/** Every verb that writes to the lake has a scenario here; one whose command does not exist is left out. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'first load', prepare: newProject, command: ['run'] },
  {
    name: 'merge',
    prepare: (folder) => {
      loaded(folder);
      put(folder, SECOND);
    },
    command: ['run'],
  },
  {
    name: 'ingest',
    prepare: (folder) => {
      loaded(folder);
      put(folder, SECOND);
    },
    command: ['ingest'],
    after: [['run']],
  },
  {
    name: 'checkpoint',
    prepare: (folder) => {
      loaded(folder);
      for (let i = 1; i < VERSIONS_BEFORE_CHECKPOINT; i++) {
        put(folder, { [`achats-${i}.csv`]: `id,client,jour,montant\n${100 + i},1,2025-03-01,${i}.00\n` });
        must(folder, ['run']);
      }
      put(folder, SECOND);
    },
    command: ['run'],
  },
  {
    name: 'fix',
    prepare: loaded,
    command: ['quarantine', 'fix', 'silver.achats', '--set', "montant = replace(montant, '-', '')"],
    partly: true,
    plain_run: true,
    after: [['run']],
  },
  {
    name: 'replay of silver',
    prepare: (folder) => {
      loaded(folder);
      put(folder, { 'clients2.csv': SECOND['clients2.csv'] });
      must(folder, ['run', '--select', 'silver.clients,bronze.clients']);
    },
    command: ['quarantine', 'replay', 'silver.achats'],
    partly: true,
    after: [['run']],
  },
  {
    name: 'replay of bronze',
    prepare: (folder) => {
      loaded(folder);
      put(folder, { 'achats3.csv': 'id,client,jour,montant\n7,1,demain,1.00\n' });
      must(folder, ['ingest']);
      // Today an x is no value: of the two records in quarantine one is read.
      const today = CONFIG.replace('path: in/achats*.csv,', 'path: in/achats*.csv, null_values: ["", x],');
      writeFileSync(join(folder, 'pipelines.yaml'), today);
    },
    command: ['quarantine', 'replay', 'bronze.achats'],
    partly: true,
    plain_run: true,
    after: [['run']],
  },
  {
    name: 'discard',
    prepare: loaded,
    command: ['quarantine', 'discard', 'silver.achats', '--rule', 'between_montant', '--reason', 'test'],
    plain_run: true,
    after: [['run', '--full-refresh', '--select', 'silver.achats+'], ['run']],
  },
  { name: 'undo', needs: 'undo', prepare: merged, command: ['undo', 'first'], after: [['run']] },
  {
    name: 'redo',
    needs: 'undo',
    prepare: (folder) => {
      merged(folder);
      must(folder, ['undo']);
    },
    command: ['run', '--redo'],
  },
  {
    name: 'compact',
    needs: 'compact',
    prepare: (folder) => {
      loaded(folder);
      // Old versions and spent decisions may go at once, so that their collection is part of it.
      writeFileSync(
        join(folder, 'pipelines.yaml'),
        CONFIG.replace('./lake }', './lake, keep: { versions_days: 0, quarantine_days: 0 } }'),
      );
      must(folder, ['quarantine', 'replay', 'silver.achats'], 4);
      put(folder, SECOND);
      must(folder, ['run']);
      put(folder, { 'achats3.csv': 'id,client,jour,montant\n8,1,2025-03-01,3.00\n9,,2025-03-01,-4.00\n' });
      must(folder, ['run']);
      put(folder, { 'achats4.csv': 'id,client,jour,montant\n8,1,2025-03-01,5.00\n10,2,2025-03-02,-4.00\n' });
      must(folder, ['run']);
    },
    command: ['compact', '--grace', '0s'],
    after: [['run'], ['verify']],
  },
];

/** The scenarios that this build can play. */
export function playable(): readonly Scenario[] {
  return SCENARIOS.filter(
    ({ needs }) =>
      needs === undefined || spawnSync(process.execPath, [BINARY, 'help', needs], { encoding: 'utf8' }).status === 0,
  );
}

export interface Kill {
  /** A fault point and which pass of it. */
  readonly point?: { readonly name: string; readonly nth: number };
  /** Or a delay after the start. */
  readonly after_ms?: number;
}

/** Runs one command to its end or its death. */
export function play(folder: string, args: readonly string[], kill: Kill = {}, fault?: string): Promise<Ended> {
  const DATAFLOW_FAULT = kill.point === undefined ? (fault ?? '') : `${kill.point.name}:kill@${kill.point.nth}`;
  const child = spawn(process.execPath, [BINARY, ...args], {
    cwd: folder,
    env: { ...process.env, DATAFLOW_FAULT },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const timer = kill.after_ms === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), kill.after_ms);
  const limit = setTimeout(() => child.kill('SIGKILL'), 120_000);
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      clearTimeout(limit);
      done({ status, signal, output });
    });
  });
}
