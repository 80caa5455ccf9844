import type { DuckDBConnection } from '@duckdb/node-api';
import { StatementType } from '@duckdb/node-api';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { SQL_FUNCTIONS } from '../../core/model/functions.ts';
import type { Column } from '../../core/model/table.ts';
import type { CandidateFile, EngineColumn, EngineSession, EngineUsage, InputRelation, ParseRequest, ParseResult, Row, SessionOptions, WriteTarget } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { resultColumns, toRows } from './cells.ts';
import { engineError } from './errors.ts';
import { inferredColumns, inferSql } from './infer.ts';
import { parseFiles } from './parse.ts';
import { qualifiedName, relationSql } from './relation-sql.ts';
import { writeFiles } from './write.ts';

const ROWS_MAX = 10_000;

/** One step's conversation: a connection of its own, and a database of its own for its names. */
export class DuckDbSession implements EngineSession {
  readonly #connection: DuckDBConnection;
  readonly #options: SessionOptions;
  readonly #dispose: () => Promise<void>;
  readonly #schemas = new Set<string>();
  readonly #onAbort: () => void;
  #bytes_read = 0;
  #bytes_written = 0;
  #names = 0;

  constructor(connection: DuckDBConnection, options: SessionOptions, dispose: () => Promise<void>) {
    this.#connection = connection;
    this.#options = options;
    this.#dispose = dispose;
    this.#onAbort = () => connection.interrupt();
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** UTC, and the functions that dataflow adds to the engine's own. */
  async prepare(): Promise<void> {
    await this.#run("set TimeZone='UTC'");
    for (const { name, params, body } of SQL_FUNCTIONS) await this.#run(`create or replace temp macro ${name}(${params.join(', ')}) as ${body}`);
  }

  async bind(relation: InputRelation): Promise<void> {
    const [schema, table] = relation.name.split('.');
    if (table !== undefined && schema !== undefined && !this.#schemas.has(schema)) {
      await this.#run(`create schema if not exists ${quoteIdent(schema)}`);
      this.#schemas.add(schema);
    }
    this.#bytes_read += relation.files.reduce((sum, file) => sum + file.size_bytes, 0);
    await this.#run(`create or replace view ${qualifiedName(relation.name)} as ${relationSql(relation)}`);
  }

  async define(name: string, sql: string): Promise<void> {
    await this.#run(`create or replace temp view ${quoteIdent(name)} as ${sql}`);
  }

  async materialize(name: string, sql: string): Promise<number> {
    await this.#run(`create or replace temp table ${quoteIdent(name)} as ${sql}`);
    const [row] = await this.rows(`select count(*) as n from ${quoteIdent(name)}`);
    return Number(row?.['n'] ?? 0);
  }

  async describe(sql: string): Promise<readonly EngineColumn[]> {
    return this.#guard(async () => {
      const prepared = await this.#connection.prepare(`select * from (${sql}\n)`);
      return Array.from({ length: prepared.columnCount }, (_, index) => ({ name: prepared.columnName(index), type: resultColumns({ columnNames: () => [''], columnTypes: () => [prepared.columnType(index)] })[0]?.type ?? 'varchar' }));
    });
  }

  async rows(sql: string, options: { readonly rows_max?: number } = {}): Promise<readonly Row[]> {
    const rows_max = options.rows_max ?? ROWS_MAX;
    return this.#guard(async () => {
      const reader = await this.#connection.streamAndReadUntil(sql, rows_max + 1);
      if (reader.currentRowCount > rows_max) throw new DataflowError('E_ENGINE', `a result has more than ${rows_max} rows`);
      return toRows(reader, reader.getRowsJson());
    });
  }

  async *stream(sql: string): AsyncGenerator<{ readonly columns: readonly EngineColumn[]; readonly rows: readonly Row[] }> {
    if (this.#options.sandbox !== undefined) await this.#refuseAllButSelect(sql);
    try {
      const result = await this.#connection.stream(sql);
      const columns = resultColumns(result);
      let empty = true;
      for await (const batch of result.yieldRowsJson()) {
        empty = false;
        yield { columns, rows: toRows(result as never, batch) };
      }
      if (empty) yield { columns, rows: [] };
    } catch (error) {
      throw engineError(error);
    }
  }

  async write(sql: string, target: WriteTarget): Promise<readonly CandidateFile[]> {
    this.#options.signal?.throwIfAborted();
    const files = await writeFiles(this.#connection, sql, target);
    this.#bytes_written += files.reduce((sum, file) => sum + file.size_bytes, 0);
    return files;
  }

  async parse(request: ParseRequest): Promise<ParseResult> {
    return this.#guard(() =>
      parseFiles(
        {
          run: (sql) => this.#run(sql),
          all: (sql) => this.rows(sql, { rows_max: 10_000_000 }),
          write: (sql, target) => this.write(sql, target),
          fresh: (prefix) => `${prefix}_${++this.#names}`,
        },
        request,
      ),
    );
  }

  async infer(request: Pick<ParseRequest, 'format' | 'files' | 'dialect' | 'header'>): Promise<readonly Column[]> {
    return inferredColumns(await this.describe(inferSql(request)), request.format);
  }

  usage(): EngineUsage {
    return { bytes_read: this.#bytes_read, bytes_written: this.#bytes_written, peak_memory_bytes: process.resourceUsage().maxRSS * 1024 };
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#dispose();
  }

  async #run(sql: string): Promise<void> {
    await this.#guard(async () => {
      await this.#connection.run(sql);
    });
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    this.#options.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      throw engineError(error);
    }
  }

  /** User SQL: one statement, and it only reads. */
  async #refuseAllButSelect(sql: string): Promise<void> {
    await this.#guard(async () => {
      const statements = await this.#connection.extractStatements(sql);
      if (statements.count !== 1) throw new DataflowError('E_SQL_SANDBOX', 'exactly one statement can be run at a time');
      const prepared = await statements.prepare(0);
      if (prepared.statementType !== StatementType.SELECT && prepared.statementType !== StatementType.EXPLAIN) {
        throw new DataflowError('E_SQL_SANDBOX', 'only statements that read can be run here', { hint: 'Use SELECT, FROM, SUMMARIZE, DESCRIBE or EXPLAIN.' });
      }
    });
  }
}
