import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Column } from '../../src/core/model/table.ts';
import { tablesNamedIn } from '../../src/core/planning/sql-refs.ts';
import type { CandidateFile, Engine, EngineSession } from '../../src/core/ports/engine.ts';
import type { DataFile, Snapshot, VersionChanges } from '../../src/core/ports/lake.ts';
import { quoteIdent, quoteText } from '../../src/kit/sql.ts';
import { rooms } from '../../src/main.ts';
import { modelColumns, refreshTouched } from '../../src/medallion/gold/run-gold.ts';
import type { GoldStep } from '../../src/medallion/gold/step.ts';

/** Rows by table and file: of the files that stay, that go and that come. */
export type Cell = number | string | null;
export interface MovingTable {
  readonly kept: readonly (readonly Cell[])[][];
  readonly removed: readonly (readonly Cell[])[][];
  readonly added: readonly (readonly Cell[])[][];
}

/** A table of the lab before and after its inputs moved. */
export interface LabTable {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly changes: VersionChanges;
}

const OLD = 1;
const NEW = 2;
/** So many rows count as worth a look at the query, so that inputs are cut down. */
const MANY_ROWS = 30_000_000;

/**
 * A gold step over real files and the real engine, without a lake around it: what its table holds after a refresh, beside what the model's SQL
 * gives over the same inputs.
 */
export class RefreshLab {
  readonly #engine: Engine;
  readonly #session: EngineSession;
  readonly #folder: string;
  #files = 0;

  private constructor(engine: Engine, session: EngineSession, folder: string) {
    this.#engine = engine;
    this.#session = session;
    this.#folder = folder;
  }

  static async open(): Promise<RefreshLab> {
    const folder = mkdtempSync(join(tmpdir(), 'dataflow-refresh-lab-'));
    const engine = await rooms.openBareEngine({ type: 'duckdb', threads: 1 }, join(folder, 'tmp'));
    return new RefreshLab(engine, await engine.openSession({ label: 'lab' }), folder);
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.#engine.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get session(): EngineSession {
    return this.#session;
  }

  /** A table by its full name, `silver.a`. */
  async table(name: string, columns: readonly Column[], rows: MovingTable): Promise<LabTable> {
    const [kept, removed, added] = await Promise.all(
      [rows.kept, rows.removed, rows.added].map(async (files) => {
        const written: DataFile[] = [];
        for (const file of files) written.push(...(await this.#write(valuesSql(columns, file), columns)));
        return written;
      }),
    );
    const [stay = [], go = [], come = []] = [kept, removed, added];
    const own = name.slice('silver.'.length);
    return {
      before: snapshotOf('silver', own, OLD, columns, [...stay, ...go]),
      after: snapshotOf('silver', own, NEW, columns, [...stay, ...come]),
      changes: { added: come, removed: go, schema_changed: false },
    };
  }

  /** The engine takes the query. */
  async isValid(sql: string, tables: Readonly<Record<string, readonly Column[]>>): Promise<boolean> {
    for (const [name, columns] of Object.entries(tables)) await this.#session.bind({ name, columns, files: [] });
    return await this.#session.describe(sql).then(
      () => true,
      () => false,
    );
  }

  /** Refreshes a model's table; `rows` undefined when it is to be computed whole. `missing` and `wrong` are rows that a refresh lacks and has too many. */
  async refresh(
    { by, sql }: { readonly by: string; readonly sql: string },
    all: ReadonlyMap<string, LabTable>,
  ): Promise<{ readonly missing: readonly object[]; readonly wrong: readonly object[] } | undefined> {
    const read = tablesNamedIn(sql);
    const tables = new Map([...all].filter(([name]) => read.includes(name)));
    const moved = [...tables].filter(([, { changes }]) => changes.added.length + changes.removed.length > 0);
    const step = this.#step(by, sql, tables, moved);
    await this.#bind(tables, 'before');
    const columns = await modelColumns(step, this.#session);
    const published = await this.#publish(sql, by, columns);
    await this.#bind(tables, 'after');
    const made = await refreshTouched(step, this.#session, columns, published);
    if (made === undefined || 'obstacle' in made) return undefined;
    await this.#bind(tables, 'after');
    await this.#session.bind({ name: 'refreshed', columns, files: [...made.keep(), ...made.add] });
    const cells = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
    const whole = `select ${cells.join(', ')} from (${sql}\n)`;
    const held = `select ${columns.map(({ name }) => quoteIdent(name)).join(', ')} from refreshed`;
    const beyond = (one: string, other: string) => this.#session.rows(`(${one}) except all (${other})`);
    return { missing: await beyond(whole, held), wrong: await beyond(held, whole) };
  }

  #step(
    by: string,
    sql: string,
    tables: ReadonlyMap<string, LabTable>,
    moved: readonly (readonly [string, LabTable])[],
  ): GoldStep {
    const spec = { name: 'm', sql, sql_file: 'm.sql', key: [], refresh: { by }, partition_by: [], tests: [], tags: [] };
    const run = {
      run_id: 'lab',
      lake: {
        stage: async () => this.#newFolder(),
        changes: async ({ name }: { readonly name: string }) => tables.get(`silver.${name}`)?.changes,
      },
      ledger: { lastSuccess: () => ({ inputs: Object.fromEntries([...tables.keys()].map((name) => [name, OLD])) }) },
    };
    const step = {
      run,
      node: { layer: 'gold', name: 'm', key: 'gold.m', spec },
      step_id: 's',
      verdict: { run: true, mode: 'incremental', reason: '', causes: [], changed: moved.map(([name]) => name) },
      inputs: new Map([...tables].map(([name, { after }]) => [name, after])),
    };
    // Of a step, a refresh uses no more than this.
    return step as unknown as GoldStep;
  }

  async #bind(tables: ReadonlyMap<string, LabTable>, when: 'before' | 'after'): Promise<void> {
    for (const [name, table] of tables)
      await this.#session.bind({ name, columns: table[when].columns, files: table[when].files });
  }

  /** The table as it was published before, in two files, so that one of them may be left alone. */
  async #publish(sql: string, by: string, columns: readonly Column[]): Promise<Snapshot> {
    const files: DataFile[] = [];
    const half = `coalesce(hash(cast(${quoteIdent(by)} as varchar)) % 2, 0)`;
    for (const part of [0, 1])
      files.push(...(await this.#write(`select * from (${sql}\n) where ${half} = ${part}`, columns)));
    return snapshotOf('gold', 'm', OLD, columns, files);
  }

  async #write(sql: string, columns: readonly Column[]): Promise<readonly DataFile[]> {
    const files = await this.#session.write(sql, { folder: this.#newFolder(), columns });
    return files.map((file: CandidateFile) => ({ ...file, path: basename(file.uri) }));
  }

  #newFolder(): string {
    const folder = join(this.#folder, String(++this.#files));
    mkdirSync(folder);
    return folder;
  }
}

function snapshotOf(
  layer: 'silver' | 'gold',
  name: string,
  version: number,
  columns: readonly Column[],
  files: readonly DataFile[],
): Snapshot {
  const table = { layer, name };
  return {
    ...{ table, version, columns, files, committed_at_ms: 0, partition_by: [], size_bytes: 0, txns: new Map() },
    rows: MANY_ROWS,
    file_count: files.length,
    filesIn: (fits) => files.filter((file) => fits(file.partition_values)),
  };
}

function valuesSql(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell): string =>
    value === null ? 'null' : typeof value === 'number' ? String(value) : quoteText(value);
  const casts = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
  const names = columns.map(({ name }) => quoteIdent(name)).join(', ');
  const lines = rows.map((row) => `(${row.map(cell).join(', ')})`).join(', ');
  return `select ${casts.join(', ')} from (values ${lines}) as t(${names})`;
}
