import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { QuerySyntax, SyntaxNode } from '../../core/lineage/syntax.ts';
import { fileGroups } from '../../core/model/file-groups.ts';
import type { Column } from '../../core/model/table.ts';
import type {
  CandidateFile,
  EngineColumn,
  EngineSession,
  EngineUsage,
  ExportTarget,
  InputFile,
  InputRelation,
  ParseRequest,
  ParseResult,
  Row,
  SessionProgress,
  TextFormat,
  WriteTarget,
} from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { AtWork, COUNT_NO_MORE, type Task } from './at-work.ts';
import { columnsOf, describedColumns, toRows } from './cells.ts';
import { Conversation, type ConversationOptions } from './conversation.ts';
import type { Doing } from './errors.ts';
import { exportRows } from './export.ts';
import { rowsSql, rowsStated } from './footer.ts';
import { type InferRequest, inferColumns } from './infer.ts';
import { KeptViews } from './kept-views.ts';
import { guardedBytes, type RowBatch, rowBatches } from './out-batches.ts';
import { parseFiles } from './parse.ts';
import type { ReaderPool } from './reader-pool.ts';
import { qualifiedName, readGroup, relationSql } from './relation-sql.ts';
import type { SparedCore } from './spared-core.ts';
import { sqlTables } from './sql-tables.ts';
import { sqlOf, syntaxOf } from './syntax.ts';
import { writeFiles } from './write.ts';

const ROWS_MAX = 10_000;

/** `explain`, with its options, before a query. */
const EXPLAIN = /^\s*explain\s+(?:analyze\s+|\([^)]*\)\s*)?/i;

/**
 * Shared by all sessions: the engine keeps what it knows of reject tables by their names for the whole instance, so that two sessions with
 * tables of the same name would write into each other's.
 */
let names_given = 0;

/** Gives the workplace back: with the statements that tidy it, or without them when it is not to be used again. */
export type Dispose = (drops: readonly string[] | undefined) => Promise<void>;

/** One step's conversation: a connection of its own, and a database of its own for its names. */
export class DuckDbSession implements EngineSession {
  readonly #talk: Conversation;
  readonly #sandboxed: boolean;
  readonly #dispose: Dispose;
  readonly #readers: ReaderPool | undefined;
  readonly #careful: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #spared: SparedCore | undefined;
  readonly #views: KeptViews;
  readonly #at_work: AtWork;
  readonly #schemas = new Set<string>();
  /** Statements that remove what this session made, so that its workplace can serve again. */
  readonly #drops = new Set<string>();
  /** Rows of the temporary tables, by name. */
  readonly #materialized = new Map<string, number>();
  #bytes_read = 0;
  #bytes_written = 0;
  #closed = false;

  /** @param views what the session before left at this workplace: name → the statement that made it. */
  constructor(
    connection: DuckDBConnection,
    options: ConversationOptions,
    dispose: Dispose,
    readers?: ReaderPool,
    views: Map<string, string> = new Map(),
  ) {
    this.#talk = new Conversation(connection, options);
    this.#sandboxed = options.sandbox !== undefined;
    this.#dispose = dispose;
    this.#readers = readers;
    this.#careful = options.small?.careful === true;
    this.#signal = options.signal;
    this.#spared = options.spared;
    this.#views = new KeptViews(views);
    this.#at_work = new AtWork(connection);
  }

  async bind(relation: InputRelation): Promise<void> {
    const name = qualifiedName(relation.name);
    this.#bytes_read += relation.files.reduce((sum, file) => sum + file.size_bytes, 0);
    const groups = fileGroups(relation);
    const wanted = relationSql(relation, groups);
    if (this.#views.take(name, wanted)) return;
    const [schema, table] = relation.name.split('.');
    const prelude =
      table === undefined || schema === undefined || this.#schemas.has(schema)
        ? ''
        : `create schema if not exists ${quoteIdent(schema)};\n`;
    if (schema !== undefined) this.#schemas.add(schema);
    const create = `${prelude}create or replace view ${name} as `;
    try {
      await this.#talk.run(create + wanted);
      this.#views.made(name, wanted);
    } catch (error) {
      // A column that was added later may be in none of these files.
      if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
      const present: ReadonlySet<string>[] = [];
      for (const group of groups) {
        const columns = await this.#columns(`select * from ${readGroup(group, false)}`);
        present.push(new Set(columns.map((column) => column.name.toLowerCase())));
      }
      await this.#talk.run(create + relationSql(relation, groups, present));
      this.#views.made(name, wanted);
    }
  }

  async define(name: string, sql: string): Promise<void> {
    this.#drops.add(`drop view if exists temp.${quoteIdent(name)}`);
    await this.#run(`create or replace temp view ${quoteIdent(name)} as\n`, sql);
  }

  async materialize(name: string, sql: string, { append = false } = {}): Promise<number> {
    this.#drops.add(`drop table if exists temp.${quoteIdent(name)}`);
    const into = append
      ? `insert into temp.${quoteIdent(name)}\n`
      : `create or replace temp table ${quoteIdent(name)} as\n`;
    const result = await this.#working({ doing: 'computing' }, () => this.#run(into, sql));
    const rows = Number(result.getRows()[0]?.[0] ?? 0) + (append ? (this.#materialized.get(name) ?? 0) : 0);
    this.#materialized.set(name, rows);
    return rows;
  }

  async describe(sql: string): Promise<readonly EngineColumn[]> {
    await this.tablesOf(sql);
    const before = 'select * from (\n';
    const talk = await this.#ready();
    return talk.guard(() => describedColumns(talk.connection, `${before}${sql}\n)`), {
      sql,
      bytes_before: before.length,
    });
  }

  async tablesOf(sql: string): Promise<readonly string[]> {
    return this.#vet(sql, 'E_SQL');
  }

  async syntaxOf(
    sql: string,
    wanted: { readonly functions?: boolean; readonly places?: boolean } = {},
  ): Promise<QuerySyntax> {
    await this.#vet(sql, 'E_SQL');
    return syntaxOf((query) => this.#rows(query, ROWS_MAX), sql, wanted);
  }

  sqlOf(tree: SyntaxNode): Promise<string> {
    return sqlOf((query) => this.#rows(query, ROWS_MAX), tree);
  }

  async rows(sql: string, options: { readonly rows_max?: number } = {}): Promise<readonly Row[]> {
    if (this.#sandboxed) await this.#vet(sql, 'E_SQL_SANDBOX');
    return this.#rows(sql, options.rows_max ?? ROWS_MAX);
  }

  async *stream(sql: string): AsyncGenerator<RowBatch, void, void> {
    if (this.#sandboxed) await this.#vet(sql, 'E_SQL_SANDBOX');
    yield* rowBatches(await this.#ready(), sql);
  }

  async write(sql: string, target: WriteTarget): Promise<readonly CandidateFile[]> {
    this.#refuseInSandbox();
    const talk = await this.#ready();
    const files = await this.#working({ doing: 'writing', target }, () =>
      talk.guard(() => writeFiles(talk.connection, sql, target)),
    );
    this.#bytes_written += files.reduce((sum, file) => sum + file.size_bytes, 0);
    return files;
  }

  async countRows(files: readonly InputFile[]): Promise<number> {
    const uris = files.map((file) => file.uri);
    // What is not as expected is left to the engine, which has the words for it.
    return rowsStated(uris) ?? Number((await this.#rows(rowsSql(uris), 1))[0]?.['n'] ?? 0);
  }

  async parse(request: ParseRequest): Promise<ParseResult> {
    this.#refuseInSandbox();
    await this.#ready();
    const session = {
      run: (sql: string) => this.#talk.run(sql, { reading: 'source' }),
      all: (sql: string) => this.#rows(sql, Number.MAX_SAFE_INTEGER - 1, { reading: 'source' }),
      columns: (sql: string) => this.#columns(sql, { reading: 'source' }),
      write: (sql: string, target: WriteTarget) =>
        this.#talk.guard(() => writeFiles(this.#talk.connection, sql, target, { reading: 'source' })),
      fresh: (prefix: string) => `${prefix}_${++names_given}`,
    };
    const readers = this.#readersFor(request);
    const here = (): Promise<ParseResult> => this.#talk.within(request.limits, () => parseFiles(session, request));
    const shared = request.beside === true ? this.#spared : undefined;
    const bytes = request.files.reduce((sum, file) => sum + (file.size_bytes ?? 0), 0);
    const result = await this.#working({ doing: 'reading', target: request.target, bytes }, () => {
      if (readers !== undefined) return readers.parse(request, this.#signal);
      return shared?.during(this.#talk.connection, here) ?? here();
    });
    for (const file of [...result.candidates, ...result.rejects]) this.#bytes_written += file.size_bytes;
    return result;
  }

  /** The processes that read files of this format; undefined where the engine here reads them. */
  #readersFor({ format }: InferRequest): ReaderPool | undefined {
    return format === 'parquet' || this.#careful ? this.#readers : undefined;
  }

  async exportFile(sql: string, target: ExportTarget): Promise<number> {
    this.#refuseInSandbox();
    const talk = await this.#ready();
    return talk.guard(() => exportRows(talk.connection, sql, target));
  }

  async *exportBytes(sql: string, format: TextFormat): AsyncGenerator<Uint8Array, number, void> {
    this.#refuseInSandbox();
    return yield* guardedBytes(await this.#ready(), sql, format);
  }

  async infer(request: InferRequest): Promise<readonly Column[]> {
    const readers = this.#readersFor(request);
    if (readers !== undefined) return readers.infer(request, this.#signal);
    return inferColumns(request, {
      columns: (sql) => this.#columns(sql, { reading: 'source' }),
      row: async (sql) => (await this.#rows(sql, 1, { reading: 'source' }))[0] ?? {},
    });
  }

  usage(): EngineUsage {
    const peak_memory_bytes = this.#talk.peakBytes();
    return { bytes_read: this.#bytes_read, bytes_written: this.#bytes_written, peak_memory_bytes };
  }

  progress(): SessionProgress | undefined {
    return this.#closed ? undefined : this.#at_work.progress();
  }

  /** Without bytes of its own a statement may read all that is bound. */
  #working<T>(task: Omit<Task, 'bytes'> & { readonly bytes?: number }, work: () => Promise<T>): Promise<T> {
    return this.#at_work.during({ bytes: this.#bytes_read, ...task }, (sql) => this.#talk.run(sql), work);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#at_work.counting) this.#drops.add(COUNT_NO_MORE);
    const tidy = this.#talk.close();
    await this.#dispose(tidy ? [...[...this.#drops].reverse(), ...this.#views.tooLong()] : undefined);
  }

  /** The conversation, for statements that look names up: no view of an earlier session is among them. */
  async #ready(): Promise<Conversation> {
    const strays = this.#views.strays();
    if (strays.length > 0) await this.#talk.run(strays.join(';\n'));
    return this.#talk;
  }

  /** What the engine says of the statement: for a table that is made or grown, how many rows came. */
  async #run(before: string, sql: string): Promise<DuckDBResultReader> {
    if (this.#sandboxed) await this.#vet(sql, 'E_SQL_SANDBOX');
    return (await this.#ready()).readSmall(before + sql, { sql, bytes_before: Buffer.byteLength(before) });
  }

  async #rows(sql: string, rows_max: number, doing: Doing = { sql }): Promise<readonly Row[]> {
    const talk = await this.#ready();
    const reader = rows_max <= 1 ? await talk.readSmall(sql, doing) : await talk.read(sql, rows_max + 1, doing);
    if (reader.currentRowCount > rows_max) {
      throw new DataflowError('E_ENGINE', `a result has more than ${rows_max} rows`);
    }
    return toRows(reader, reader.getRowsJson());
  }

  async #columns(sql: string, doing?: Doing): Promise<readonly EngineColumn[]> {
    const talk = await this.#ready();
    return talk.guard(() => columnsOf(talk.connection, sql), doing);
  }

  /** Tables that the SQL reads; refuses all but one SELECT over tables. */
  async #vet(sql: string, not_select: 'E_SQL' | 'E_SQL_SANDBOX'): Promise<readonly string[]> {
    // Blanks of the same length keep the positions in messages.
    const text = this.#sandboxed ? sql.replace(EXPLAIN, (found) => ' '.repeat(found.length)) : sql;
    const serialised = `select cast(json_serialize_sql(${quoteText(text)}) as varchar) as tree`;
    const result = await this.#talk.readSmall(serialised, { sql: serialised });
    return sqlTables(String(result.getRows()[0]?.[0]), text, not_select);
  }

  #refuseInSandbox(): void {
    if (this.#sandboxed) throw new DataflowError('E_SQL_SANDBOX', 'this session only reads');
  }
}
