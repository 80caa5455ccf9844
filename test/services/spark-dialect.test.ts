import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DialectResult } from '../../src/core/ports/dialect.ts';
import type { Engine, EngineSession } from '../../src/core/ports/engine.ts';
import { storageOf } from '../../src/core/types/types.ts';
import { component } from '../../src/engines/duckdb/engine.ts';
import { openSparkSession } from '../../src/engines/spark/session.ts';
import { sparkDialect } from '../../src/engines/spark/sql/translate.ts';
import { quoteIdent, quoteText } from '../../src/kit/sql.ts';
import { randomExpressions } from '../support/random-spark.ts';
import { builtProgram } from './built-program.ts';
import { describeService } from './service.ts';
import { type CaseTable, QUERIES, REFUSED, TABLES } from './spark-dialect-cases.ts';
import { EXPRESSIONS } from './spark-dialect-expressions.ts';

/** Significant digits of doubles that have to agree: sums of them depend on the order of the rows. */
const DOUBLE_DIGITS = 12;
/** Stands for NULL among texts. */
const NOTHING = '∅';

/** Queries that Spark answers at the same time: most of it is planning, which one core does. */
const AT_ONCE = 4;

type Spark = Awaited<ReturnType<typeof openSparkSession>>;

// Tiny queries: compiling them to machine code would take most of the time.
const SETTINGS = {
  'spark.sql.shuffle.partitions': '1',
  'spark.sql.codegen.wholeStage': 'false',
  'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
  'spark.sql.adaptive.enabled': 'false',
  // One partition each: nothing has to be moved between stages.
  'spark.sql.leafNodeDefaultParallelism': '1',
  'spark.sql.autoBroadcastJoinThreshold': '-1',
};

describeService('spark', (server) => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-dialect-'));
  let engine: Engine;
  let session: EngineSession;
  let spark: Spark;

  beforeAll(async () => {
    engine = await component.open({ type: 'duckdb' }, { temp_folder: folder });
    session = await engine.openSession({ label: 'dialect' });
    spark = await openSparkSession(server.url);
    await spark.setConfig(SETTINGS);
    for (const table of TABLES) {
      await session.materialize(
        plainName(table.name),
        rowsOf(table, (type) => type, quoteText),
      );
      await spark.run(`create or replace temp view ${plainName(table.name)} as ${rowsOf(table, sparkType, sparkText)}`);
    }
  }, 240_000);

  afterAll(async () => {
    await spark?.close();
    await session?.close();
    await engine?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const translate = (sql: string): Promise<DialectResult> => sparkDialect.translate({ sql, tables: COLUMNS, session });

  const translated = async (sql: string): Promise<string> => {
    const made = await translate(sql);
    if (!('sql' in made)) throw new Error(`${sql}\n${JSON.stringify(made.refusals)}`);
    return made.sql;
  };

  /** Rows of the queries from both engines, as texts. The types of their columns are the same. */
  const answers = async (queries: readonly string[]): Promise<readonly Answer[]> => {
    const asked = [];
    for (const sql of queries) {
      const types = (await session.describe(sql)).map(({ type }) => storageOf(type, 'x').column_type);
      const there = await translated(sql);
      asked.push({ sql, types, there, rows: await session.rows(asTexts(sql, types)) });
    }
    const made: Answer[] = [];
    for (let at = 0; at < asked.length; at += AT_ONCE)
      made.push(
        ...(await Promise.all(
          asked.slice(at, at + AT_ONCE).map(async ({ sql, types, there, rows }) => {
            const theirs = await fromSpark(spark, there, types.length);
            expect({ sql, types: theirs.types }).toEqual({ sql, types });
            const ours = rows.map((row) => String(row['line']));
            return { sql, ours: lines(ours, types, sql), theirs: lines(theirs.rows, types, sql) };
          }),
        )),
      );
    return made;
  };

  it.each(Object.entries(EXPRESSIONS))(
    'expressions over %s',
    async (table, expressions) => {
      const list = expressions.map((one, at) => `${one} as v${at}`);
      const sql = here(`select id, ${list.join(', ')} from ${table}`);
      const [answer] = await answers([sql]);
      // One column after the other, so that a failure names its expression.
      const column = (rows: readonly string[], at: number): readonly string[] =>
        rows.map((row) => `${row.split('¦')[0]}: ${row.split('¦')[at + 1]}`);
      for (const [at, expression] of expressions.entries()) {
        expect([expression, ...column(answer?.theirs ?? [], at)]).toEqual([
          expression,
          ...column(answer?.ours ?? [], at),
        ]);
      }
    },
    240_000,
  );

  it('whole queries', async () => {
    for (const { sql, ours, theirs } of await answers(QUERIES.map(here)))
      expect([sql, ...theirs]).toEqual([sql, ...ours]);
  }, 240_000);

  it('random expressions over random rows', async () => {
    await fc.assert(
      fc.asyncProperty(randomExpressions, async ({ expressions, rows }) => {
        const list = expressions.map((one, at) => `${one} as v${at}`);
        const sql = `select ${list.join(', ')} from (${rows}) as r`;
        const [answer] = await answers([sql]);
        expect([sql, ...(answer?.theirs ?? [])]).toEqual([sql, ...(answer?.ours ?? [])]);
      }),
      { numRuns: 2, seed: 20261122 },
    );
  }, 240_000);

  it('the cluster understands every model of the retail project, and gives its columns the same types', async () => {
    const made = await builtProgram(resolve('.'), { SPARK_REMOTE: server.url }).run(
      'validate',
      '--engine',
      'spark',
      '--format',
      'json',
    );
    const { models } = JSON.parse(made.stdout) as { readonly models: readonly { readonly table: string }[] };
    expect(models).toHaveLength(10);
    for (const model of models) expect(model).toMatchObject({ result: 'ok', analysed: true, refusals: [] });
  }, 60_000);

  it.each(REFUSED)('refuses %s', async (sql, wanted) => {
    const made = await translate(here(sql));
    expect(made).toEqual({ refusals: [expect.objectContaining(wanted)] });
  });
});

interface Answer {
  readonly sql: string;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/** Views of a session have one word for a name. */
function plainName(name: string): string {
  return name.replace('.', '__');
}

function here(sql: string): string {
  return sql.replaceAll('silver.', 'silver__');
}

const COLUMNS = new Map(
  TABLES.map(({ name, columns }) => [
    plainName(name),
    Object.entries(columns).map(([column, type]) => ({ name: column, type })),
  ]),
);

function rowsOf(table: CaseTable, type: (name: string) => string, quote: (text: string) => string): string {
  const types = Object.values(table.columns);
  const line = (row: readonly (string | null)[]): string =>
    row.map((cell, at) => `cast(${cell === null ? 'null' : quote(cell)} as ${type(types[at] ?? '')})`).join(', ');
  const rows = table.rows.map((row) => `(${line(row)})`).join(', ');
  return `select * from (values ${rows}) as t(${Object.keys(table.columns).join(', ')})`;
}

function sparkType(name: string): string {
  return { varchar: 'string', timestamp: 'timestamp_ntz', timestamptz: 'timestamp' }[name] ?? name;
}

function sparkText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Each row as one text; moments with a zone lose it, since both sessions are in UTC. */
function asTexts(sql: string, types: readonly string[]): string {
  const cells = types.map(
    (type, at) =>
      `coalesce(cast(${type === 'timestamptz' ? `cast(c${at} as timestamp)` : `c${at}`} as varchar), '${NOTHING}')`,
  );
  const names = types.map((_, at) => quoteIdent(`c${at}`)).join(', ');
  return `select concat_ws('¦', ${cells.join(', ')}) as line from (${sql}) as z(${names})`;
}

/** The rows as texts, and the types of the columns that they are made of, by one question. */
async function fromSpark(
  spark: Spark,
  sql: string,
  width: number,
): Promise<{ readonly types: readonly string[]; readonly rows: readonly string[] }> {
  const names = Array.from({ length: width }, (_, index) => `c${index}`);
  const cells = names.map((name) => `coalesce(cast(${name} as string), '${NOTHING}')`);
  const asked = `select *, concat_ws('¦', ${cells.join(', ')}) as line from (${sql}) as z(${names.join(', ')})`;
  const rows: string[] = [];
  let types: readonly string[] = [];
  for await (const batch of spark.stream(asked)) {
    types = batch.columns.slice(0, width).map(({ type }) => storageOf(type, 'x').column_type);
    rows.push(...batch.rows.map((row) => String(row['line'])));
  }
  return { types, rows };
}

/** Doubles with the digits that count; rows in one order where the query names none. */
function lines(rows: readonly string[], types: readonly string[], sql: string): readonly string[] {
  const made = rows.map((row) =>
    row
      .split('¦')
      .map((cell, at) => (types[at] === 'double' && cell !== NOTHING ? double(cell) : cell))
      .join('¦'),
  );
  return /order by [^()]*$/.test(sql) ? made : made.sort();
}

function double(cell: string): string {
  const value = Number(cell.replace(/^(-?)inf$/, '$1Infinity').replace('nan', 'NaN'));
  // The sign of zero is not compared.
  return Number((value === 0 ? 0 : value).toPrecision(DOUBLE_DIGITS)).toString();
}
