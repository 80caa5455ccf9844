import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { fileGroups } from '../../core/model/file-groups.ts';
import type { EngineColumn, InputRelation, Row } from '../../core/ports/engine.ts';
import type { ReadEngine, ReadEngineOptions, ReadQuestion, ReadTables } from '../../core/ports/read-engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { arrowStream } from './arrow.ts';
import { resultColumns, toRows } from './cells.ts';
import { Conversation } from './conversation.ts';
import { engineError } from './errors.ts';
import { KeptStatements } from './kept-statements.ts';
import { latestSql } from './latest.ts';
import { boundValues } from './params.ts';
import { qualifiedName, relationSql } from './relation-sql.ts';
import { sqlTables } from './sql-tables.ts';
import { PREPARATION } from './workplaces.ts';

/** Connections of a set of tables that wait for the next question; more are closed. */
const FREE_MAX = 8;

/** Opens an instance of its own that is locked in: it opens files below the given folders, and no setting can be changed after. */
export async function openReadEngine(options: ReadEngineOptions): Promise<ReadEngine> {
  await mkdir(options.temp_folder, { recursive: true, mode: 0o700 });
  const instance = await lockedIn(options).catch((error) => {
    throw engineError(error);
  });
  let lost = false;
  let opened = 0;
  const onLost = (): void => {
    lost = true;
  };
  return {
    get lost() {
      return lost;
    },
    openTables: async () => {
      const database = quoteIdent(`r${++opened}`);
      const first = await instance.connect();
      await first.run(`attach ':memory:' as ${database}`);
      first.closeSync();
      return new DuckDbTables(instance, database, onLost);
    },
    close: async () => instance.closeSync(),
  };
}

async function lockedIn({ folders, temp_folder, memory_bytes, threads }: ReadEngineOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...(threads === undefined ? {} : { threads: String(threads) }),
    memory_limit: `${memory_bytes}B`,
    temp_directory: join(temp_folder, 'serve-spill'),
    preserve_insertion_order: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    errors_as_json: 'true',
  });
  const connection = await instance.connect();
  const allowed = folders.map((folder) => quoteText(folder.endsWith('/') ? folder : `${folder}/`));
  for (const setting of [
    "global TimeZone='UTC'",
    // What a file says of itself is read once. It counts as memory of the engine, and makes room for questions.
    'global parquet_metadata_cache=true',
    `allowed_directories=[${allowed.join(', ')}]`,
    'enable_external_access=false',
    'lock_configuration=true',
  ])
    await connection.run(`set ${setting}`);
  connection.closeSync();
  return instance;
}

/** The functions that dataflow adds to the engine's own; the settings among the preparations are the instance's. */
const FUNCTIONS = PREPARATION.filter((one) => !one.startsWith('set '));

/** Names lie in a database of their own: `gold.x` of another release is another table. */
class DuckDbTables implements ReadTables {
  readonly #instance: DuckDBInstance;
  readonly #database: string;
  readonly #onLost: () => void;
  readonly #free: DuckDBConnection[] = [];
  readonly #schemas = new Map<string, Promise<void>>();
  readonly #statements = new KeptStatements();
  #working = 0;
  #closed = false;

  constructor(instance: DuckDBInstance, database: string, onLost: () => void) {
    this.#instance = instance;
    this.#database = database;
    this.#onLost = onLost;
  }

  async bind(relation: InputRelation, keep: boolean): Promise<void> {
    const name = qualifiedName(relation.name);
    const [schema = '', table] = relation.name.split('.');
    if (table !== undefined) await this.#schema(schema);
    await this.#talk(undefined, async (talk) => {
      const groups = fileGroups(relation);
      const make = `create or replace ${keep ? 'table' : 'view'} ${name} as `;
      try {
        await talk.run(make + relationSql(relation, groups));
      } catch {
        // A column that was added later may be in none of the files of a group.
        const present = await Promise.all(groups.map(async (group) => columnsPresent(talk, group.files)));
        await talk.run(make + relationSql(relation, groups, present));
      }
    });
  }

  /** Made once: of two that make the same schema at a time, the engine refuses one. */
  async #schema(schema: string): Promise<void> {
    const known = this.#schemas.get(schema);
    if (known !== undefined) return known;
    const made = this.#talk(undefined, async (talk) => {
      await talk.run(`create schema if not exists ${quoteIdent(schema)}`);
    });
    this.#schemas.set(schema, made);
    await made.catch((error: unknown) => {
      this.#schemas.delete(schema);
      throw error;
    });
  }

  tablesOf(sql: string): Promise<readonly string[]> {
    return this.#talk(undefined, async (talk) => {
      const result = await talk.readSmall(`select cast(json_serialize_sql(${quoteText(sql)}) as varchar)`, { sql });
      return sqlTables(String(result.getRows()[0]?.[0]), sql, 'E_SQL');
    });
  }

  describe({ sql, params, signal }: ReadQuestion): Promise<readonly EngineColumn[]> {
    return this.#talk(signal, async (talk) => {
      const { values, types } = boundValues(params);
      const text = `select * from (\n${sql}\n) limit 0`;
      return resultColumns(await talk.guard(() => talk.connection.run(text, values, types), { sql }));
    });
  }

  rows({ sql, params, signal }: ReadQuestion, rows_max: number): Promise<readonly Row[]> {
    return this.#talk(signal, async (talk) => {
      const { values, types } = boundValues(params);
      const reader = await talk.guard(() => talk.connection.streamAndReadUntil(sql, rows_max + 1, values, types), {
        sql,
      });
      if (reader.currentRowCount > rows_max) throw engineError(new Error(`a result has more than ${rows_max} rows`));
      return toRows(reader, reader.getRowsJson());
    });
  }

  line({ sql, params, signal }: ReadQuestion): Promise<string | undefined> {
    return this.#talk(signal, async (talk) => {
      const { values, types } = boundValues(params);
      const ask = async (): Promise<string | undefined> => {
        const statement = await this.#statements.of(talk.connection, sql);
        statement.bind(values, types);
        const result = await statement.run();
        return result.rowCount === 0 ? undefined : String(result.getChunk(0).getColumnValues(0)[0]);
      };
      return talk.guard(ask, { sql });
    });
  }

  async *lines(question: ReadQuestion): AsyncGenerator<readonly string[], void, void> {
    for await (const chunk of this.#chunks(question)) yield chunk.getColumnValues(0) as string[];
  }

  async *arrow(question: ReadQuestion, columns: readonly EngineColumn[]): AsyncGenerator<Uint8Array, void, void> {
    const stream = await arrowStream(columns);
    yield stream.head();
    for await (const chunk of this.#chunks(question)) yield stream.batch(chunk.getColumns(), chunk.rowCount);
    yield stream.tail();
  }

  async *#chunks({ sql, params, signal }: ReadQuestion): AsyncGenerator<DuckDBDataChunk, void, void> {
    const { values, types } = boundValues(params);
    const connection = await this.#take();
    const talk = new Conversation(connection, { label: 'serve', signal, onLost: this.#onLost });
    let whole = false;
    try {
      const result = await talk.guard(() => connection.stream(sql, values, types), { sql });
      for (;;) {
        const chunk = await talk.guard(() => result.fetchChunk(), { sql });
        if (chunk === null || chunk.rowCount === 0) break;
        yield chunk;
      }
      whole = true;
    } finally {
      await this.#giveBack(connection, talk.close() && whole);
    }
  }

  async latest(sql: string, param: string, signal: AbortSignal): Promise<string | null> {
    return this.#talk(signal, async (talk) => {
      const read = async (text: string): Promise<string> =>
        String((await talk.readSmall(text, { sql: text })).getRows()[0]?.[0] ?? '');
      const value = await read(await latestSql(sql, param, read));
      return value === '' ? null : value;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#free.splice(0)) connection.closeSync();
    if (this.#working === 0) await this.#detach();
  }

  async #talk<T>(signal: AbortSignal | undefined, work: (talk: Conversation) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    const told = signal === undefined ? {} : { signal };
    const talk = new Conversation(connection, { label: 'serve', onLost: this.#onLost, ...told });
    try {
      return await work(talk);
    } finally {
      await this.#giveBack(connection, talk.close());
    }
  }

  async #take(): Promise<DuckDBConnection> {
    this.#working += 1;
    try {
      return this.#free.pop() ?? (await this.#connect());
    } catch (error) {
      this.#working -= 1;
      throw engineError(error);
    }
  }

  async #connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    await connection.run([`use ${this.#database}`, ...FUNCTIONS].join(';\n'));
    return connection;
  }

  async #giveBack(connection: DuckDBConnection, tidy: boolean): Promise<void> {
    this.#working -= 1;
    if (tidy && !this.#closed && this.#free.length < FREE_MAX) this.#free.push(connection);
    else connection.closeSync();
    if (this.#closed && this.#working === 0) await this.#detach();
  }

  async #detach(): Promise<void> {
    try {
      const connection = await this.#instance.connect();
      await connection.run(`detach ${this.#database}`);
      connection.closeSync();
    } catch {
      // An engine that is lost, or closed already, has no names any more.
    }
  }
}

async function columnsPresent(
  talk: Conversation,
  files: readonly { readonly file: { readonly uri: string } }[],
): Promise<ReadonlySet<string>> {
  const uris = files.map(({ file }) => quoteText(file.uri)).join(', ');
  const sql = `select * from read_parquet([${uris}], hive_partitioning=false, union_by_name=true) limit 0`;
  const columns = resultColumns(await talk.guard(() => talk.connection.run(sql)));
  return new Set(columns.map((column) => column.name.toLowerCase()));
}
