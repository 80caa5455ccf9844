import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { decideQuarantine } from '../../src/app/quarantine/decide-quarantine.ts';
import type { Rooms } from '../../src/app/rooms.ts';
import type { RunReport } from '../../src/app/run/run-events.ts';
import { runPipeline } from '../../src/app/run/run-pipeline.ts';
import type { Project } from '../../src/core/model/project.ts';
import { storageOf } from '../../src/core/types/types.ts';
import { openSparkSession } from '../../src/engines/spark/session.ts';
import { sparkDialect } from '../../src/engines/spark/sql/translate.ts';
import { sparkType, typeOf } from '../../src/engines/spark/sql/types.ts';
import { quoteName, quoteText } from '../../src/engines/spark/sql/words.ts';
import { rooms } from '../../src/main.ts';
import { type RecordedStatement, recordingEngine, valuesSql } from '../support/recording-engine.ts';
import { describeService } from './service.ts';

/** Statements that Spark answers at the same time: most of it is planning, which one core does. */
const AT_ONCE = 4;
/** Significant digits of doubles that have to agree. */
const DOUBLE_DIGITS = 12;

// Tiny queries: compiling them to machine code would take most of the time.
const SETTINGS = {
  'spark.sql.shuffle.partitions': '1',
  'spark.sql.codegen.wholeStage': 'false',
  'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
  'spark.sql.adaptive.enabled': 'false',
  'spark.sql.leafNodeDefaultParallelism': '1',
};

const SPELLING = { text: quoteText, name: quoteName, type: (name: string) => sparkType(typeOf(name)) };

/** Rules of every kind, lookups, duplicates, deletions and history over values that engines read differently. */
const EDGES = `version: 1
name: edges
lake: { url: ./lake }
engine: { type: duckdb, threads: 1 }
sources:
  places: { type: files, path: in/places*.csv, settle_seconds: 0, columns: { code: varchar, region: varchar, people: double } }
  events:
    type: files
    path: in/events*.csv
    settle_seconds: 0
    columns: { id: bigint, place: varchar, moment: timestamp, amount: varchar, share: double, ok: boolean, day: date, op: varchar }
silver:
  places: { from: places, key: code, dedupe: { keep: last } }
  events:
    from: events
    where: "id is null or id <> 13"
    select: { amount: "try_cast(amount as decimal(12,2))", place: upper(trim(place)), hour: "date_trunc('hour', moment)", count: try_cast(amount as integer) }
    enrich:
      - { lookup: table, table: silver.places, on: { place: code }, add: { region: region, people: { from: people, type: "decimal(9,1)" } }, on_failure: keep }
    rules:
      - { not_null: [id, moment] }
      - { between: { column: amount, min: 0, max: 1000 } }
      - { between: { column: share, below: 0.75 } }
      - { length: { column: place, min: 1, max: 3 } }
      - { accepted_values: { column: op, values: [U, D] } }
      - { matches: { column: op, pattern: "^[A-Z]$" }, severity: warn }
      - { not_future: day }
      - { expr: "ok is null or ok or share > 0.1", name: doubtful }
      - { references: { column: place, table: silver.places, on: code } }
    key: id
    dedupe: { keep: first }
    partition_by: [day]
    tests:
      - { unique: id }
      - { freshness: { column: moment, max_age: 36500d } }
      - { sql: "select * from this where share > people" }
  chosen: { from: events, rules: [ { not_null: moment } ], key: id, dedupe: { keep: last, by: moment }, deleted_when: "op = 'D'" }
  versions: { from: events, rules: [ { not_null: moment } ], key: id, dedupe: { keep: last, by: moment }, deleted_when: "op = 'D'", history: true }
  early: { from: events, rules: [ { not_null: moment } ], key: id, dedupe: { keep: last, before_rules: true } }
gold:
  per_day:
    sql: "select day, count(*) as n, sum(amount) as total, avg(share) as part, max(moment) as latest, any_value(region) as region from silver.events group by day"
    refresh: { by: day }
`;

const FIRST = {
  'places1.csv': 'code,region,people\nA,Nord,1.5\nB,Süd ß,2e3\nC,,\nA,Nord,2.5\n',
  'events1.csv': `id,place,moment,amount,share,ok,day,op
1, a ,2024-01-05 10:00:00.5,1_000,0.5,true,2024-01-05,U
2,b,2024-01-05 11:00:00,1e2,0.25,false,2024-01-05,U
2,b,2024-01-05 09:00:00,7.005,0.25,true,2024-01-05,U
3,c,2024-02-29 00:00:00,3.,0.1,,2024-02-29,D
4,"q""uo\\te",2024-02-29 23:59:59.999999,5,0.3,true,2024-02-29,U
5,A,,5,0.3,true,2024-02-29,U
6,A,2024-03-01 00:00:00,-0.005,0.3,true,2999-01-01,U
7,B,2024-03-01 00:00:00,3,1e-7,false,2024-03-01,x
8,Z,2024-03-01 00:00:00,12.345,0.001,true,2024-03-01,U
,A,2024-03-02 00:00:00,1,0.3,true,2024-03-02,U
9,C,2024-03-02 00:00:00, .5 ,1e16,true,2024-03-02,U
13,A,2024-03-02 00:00:00,1,0.3,true,2024-03-02,U
`,
};
const THEN = {
  'places2.csv': 'code,region,people\nZ,Est,3\n',
  'events2.csv': `id,place,moment,amount,share,ok,day,op
1,a,2024-01-06 10:00:00,2,0.5,true,2024-01-05,D
10,z,2024-03-03 00:00:00,1.5,0.2,,2024-03-03,U
2,b,2024-01-05 10:30:00,8,0.25,true,2024-01-05,U
`,
};
const ACHATS =
  'id_achat,id_client,date_achat,montant,produit\n40,2024-1-5,\n41,1,2024-1-5 7:05, 1_0.5 ,écran\n42,5,2024-01-05T,1e2,"x""y"\n';

describeService('spark', (server) => {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-statements-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('what silver and gold steps ask of the engine has the same answers on Spark', { timeout: 240_000 }, async () => {
    const found = new Map<string, RecordedStatement>();
    await recordRetail(join(root, 'retail'), found);
    await recordEdges(join(root, 'edges'), found);
    const all = [...found.values()];
    expect(all.filter((one) => one.refused).map(({ label, there, sql }) => ({ label, there, sql }))).toEqual([]);
    expect(all.length).toBeGreaterThan(100);
    await compare(all, server.url);
  });
});

/** The retail project over the small data, and once more after a file came. */
async function recordRetail(folder: string, into: Map<string, RecordedStatement>): Promise<void> {
  mkdirSync(folder);
  for (const name of ['pipelines.yaml', 'models']) cpSync(resolve(name), join(folder, name), { recursive: true });
  cpSync(resolve('fixtures/small/data'), join(folder, 'data'), { recursive: true });
  await run(folder, into);
  writeFileSync(join(folder, 'data/achats-2.csv'), ACHATS);
  await run(folder, into);
}

async function recordEdges(folder: string, into: Map<string, RecordedStatement>): Promise<void> {
  mkdirSync(join(folder, 'in'), { recursive: true });
  writeFileSync(join(folder, 'pipelines.yaml'), EDGES);
  for (const files of [FIRST, THEN]) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'in', name), text);
    await run(folder, into);
  }
  // Rows that are rejected once more, and rows that are left out for good.
  for (const [table, action] of DECISIONS) {
    const { recording, project } = await recorded(folder, into);
    const { run: report } = await decideQuarantine(recording, project, {
      ...REQUEST,
      table,
      action,
      filter: {},
      dry_run: false,
    });
    expect(failures(report)).toEqual([]);
  }
}

const DECISIONS = [
  ['silver.early', 'replay'],
  ['silver.chosen', 'replay'],
  ['silver.events', 'discard'],
] as const;
const REQUEST = { command: 'run', signal: new AbortController().signal, tell: () => undefined };

async function recorded(
  folder: string,
  into: Map<string, RecordedStatement>,
): Promise<{ recording: Rooms; project: Project }> {
  const recording: Rooms = {
    ...rooms,
    openEngine: async (project) => recordingEngine(await rooms.openEngine(project), sparkDialect, into),
  };
  return { recording, project: (await recording.loadProject({ cwd: folder, env: {} })).project };
}

function failures(report: RunReport | undefined): readonly unknown[] | undefined {
  return report?.steps.filter((step) => step.status === 'failed').map((step) => step.error);
}

async function run(folder: string, into: Map<string, RecordedStatement>): Promise<void> {
  const { recording, project } = await recorded(folder, into);
  const report = await runPipeline(recording, project, {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    ...REQUEST,
  });
  expect(failures(report)).toEqual([]);
}

async function compare(all: readonly RecordedStatement[], url: string): Promise<void> {
  const spark = await openSparkSession(url);
  try {
    await spark.setConfig(SETTINGS);
    const tables = new Map(all.flatMap((one) => one.tables.map((table) => [table.name, table])));
    await inTurns([...tables.values()], (table) =>
      spark.run(`create or replace temp view ${table.name} as ${valuesSql(table, SPELLING)}`),
    );
    await inTurns(all, async ({ label, sql, there, columns, rows }) => {
      const names = columns.map((_, at) => `c${at}`);
      const cells = names.map((name) => `cast(${name} as string) as t${name}`);
      const asked = `select *, ${cells.join(', ')} from (${there}) as z(${names.join(', ')})`;
      const theirs: string[] = [];
      let types: readonly string[] = [];
      for await (const batch of spark.stream(asked)) {
        types = batch.columns.slice(0, names.length).map(({ type }) => storageOf(type, 'x').column_type);
        theirs.push(
          ...batch.rows.map((row) =>
            line(
              names.map((name) => row[`t${name}`]),
              types,
            ),
          ),
        );
      }
      const wanted = columns.map(({ type }) => storageOf(type, 'x').column_type);
      const ours = rows.map((row) => line(row, wanted));
      expect({ label, sql, types, rows: theirs.sort() }).toEqual({ label, sql, types: wanted, rows: ours.sort() });
    });
  } finally {
    await spark.close();
  }
}

async function inTurns<T>(list: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < list.length; at += AT_ONCE) await Promise.all(list.slice(at, at + AT_ONCE).map(work));
}

/** A row as one text: doubles with the digits that count, moments with a zone as both engines write them. */
function line(cells: readonly unknown[], types: readonly string[]): string {
  return cells
    .map((cell, at) => {
      if (cell === null || cell === undefined) return '∅';
      const text = String(cell);
      if (types[at] === 'double') return Number(Number(text).toPrecision(DOUBLE_DIGITS)).toString();
      return types[at] === 'timestamptz' ? text.replace(/\+00$/, '') : text;
    })
    .join('¦');
}
