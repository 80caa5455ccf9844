import { randomUUID } from 'node:crypto';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { QuerySyntax, SyntaxNode } from '../../../core/lineage/syntax.ts';
import type { Column } from '../../../core/model/table.ts';
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
  TextFormat,
  WriteTarget,
} from '../../../core/ports/engine.ts';
import type { MaterializeOptions } from '../../../core/ports/materialize.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { withViews } from '../lake-names.ts';
import { parquetPlan, parquetRelation, sqlRelation, viewPlan } from '../plans.ts';
import type { RowBatch, SparkSession } from '../session.ts';
import { sparkDialect } from '../sql/translate.ts';
import { quoteName } from '../sql/words.ts';
import { parseInPlace } from './parse-in-place.ts';
import { unreadable } from './reading-problems.ts';
import { refusal } from './refusal.ts';
import { boundRelation, schemaText, sparkColumns } from './relations.ts';
import { digestsOf, type Writer, writeFiles } from './write-files.ts';

type Described = readonly EngineColumn[];

/** What a step's session stands on. */
export interface StepParts {
  /** Of DuckDB: knows every name of the step, with its columns and without rows. */
  readonly shadow: EngineSession;
  /** The run's session at Spark, with this step's signal. */
  readonly spark: SparkSession;
  /** What names of this step begin with at Spark, where all steps of a run share a session. */
  readonly prefix: string;
  /** URI of a folder of the lake for what is only needed while the step runs; made when it is first written into. */
  readonly scratch: string;
  /** Spark's address of a URI of the lake. */
  addressOf(uri: string): string;
  /** Candidates come with their SHA-256. */
  readonly hashes: boolean;
  /** Removes a folder of the lake with all that is in it. */
  remove(uri: string): Promise<void>;
  /** What was written into the lake is read here but for its rows. */
  readonly places: Writer['places'];
}

/**
 * One step on Spark. Every relation, view and temporary table is there twice: empty in DuckDB, which answers what is asked about queries and gives the
 * translator its types, and with its rows in Spark. No row passes through this process but small results.
 */
export class SparkStepSession implements EngineSession {
  readonly asks_together = true;
  readonly #parts: StepParts;
  readonly #tables = new Map<string, Described>();
  /** Folders of the temporary tables, by name. */
  readonly #scratch = new Map<string, readonly string[]>();
  readonly #views = new Set<string>();
  /** Queries that somebody wrote for Spark, by those that they stand for. */
  readonly #own = new Map<string, string>();
  /** Rows that were counted in written files. */
  readonly #counted = new Map<string, number>();
  #bytes_read = 0;
  #bytes_written = 0;
  #peak_bytes = 0;

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  async bind(relation: InputRelation): Promise<void> {
    const { shadow, spark, addressOf } = this.#parts;
    await shadow.bind({ ...relation, files: [] });
    this.#bytes_read += relation.files.reduce((sum, file) => sum + file.size_bytes, 0);
    const position = relation.with_position === true ? POSITION : [];
    this.#tables.set(relation.name.toLowerCase(), [...relation.columns, ...position]);
    const view = this.#view(relation.name);
    const { rows, around } = boundRelation(relation, addressOf);
    const inner = around === undefined ? view : this.#view(`${relation.name}~rows`);
    if (rows !== undefined) await spark.carryOut(viewPlan(inner, rows));
    if (around !== undefined) await this.#makeView(view, around(inner));
  }

  async define(name: string, sql: string): Promise<void> {
    const text = await this.#text(sql);
    await this.#parts.shadow.define(name, sql);
    await this.#learn(name);
    await this.#makeView(this.#view(name), text);
  }

  async materialize(name: string, sql: string, options: MaterializeOptions = {}): Promise<number> {
    const { append = false, counted = true, cheap = false } = options;
    if (cheap) return this.define(name, sql).then(() => 0);
    const { shadow, spark, scratch, addressOf } = this.#parts;
    const text = await this.#text(sql);
    await shadow.materialize(name, sql, { append });
    const columns = append ? (this.#tables.get(name.toLowerCase()) ?? []) : await this.#learn(name);
    const folder = `${scratch}/${randomUUID()}`;
    // Rows that are added go by the place of their columns; files are read by name.
    const named = `SELECT * FROM (\n${text}\n) AS added(${columns.map((column) => quoteName(column.name)).join(', ')})`;
    const plan = parquetPlan(sqlRelation(append ? named : text), { path: addressOf(folder), partition_by: [] }, {});
    const before = append ? this.#scratch.get(name.toLowerCase()) : undefined;
    const folders = [...(before ?? []), folder];
    // What a write that fails half-way has left is removed, too.
    this.#scratch.set(name.toLowerCase(), folders);
    await spark.carryOut(plan, text);
    const typed = columns.map((column): Column => ({ ...column, nullable: true }));
    const names = typed.map((column) => quoteName(column.name));
    const view = this.#view(name);
    await spark.carryOut(viewPlan(view, parquetRelation(folders.map(addressOf), schemaText(typed), names)));
    if (!counted) return 0;
    const [row] = await spark.rows(`SELECT COUNT(*) AS n FROM ${view}`);
    return Number(row?.['n'] ?? 0);
  }

  describe(sql: string): Promise<Described> {
    return this.#parts.shadow.describe(sql);
  }

  tablesOf(sql: string): Promise<readonly string[]> {
    return this.#parts.shadow.tablesOf(sql);
  }

  syntaxOf(sql: string, options?: { readonly functions?: boolean; readonly places?: boolean }): Promise<QuerySyntax> {
    return this.#parts.shadow.syntaxOf(sql, options);
  }

  sqlOf(tree: SyntaxNode): Promise<string> {
    return this.#parts.shadow.sqlOf(tree);
  }

  spell(sql: string, own: Readonly<Record<string, string>>): boolean {
    if (own['spark'] === undefined) return false;
    this.#own.set(sql, own['spark']);
    return true;
  }

  async rows(sql: string, options: { readonly rows_max?: number } = {}): Promise<readonly Row[]> {
    return this.#parts.spark.rows(await this.#text(sql), options);
  }

  async *stream(sql: string): AsyncGenerator<RowBatch, void, void> {
    yield* this.#parts.spark.stream(await this.#text(sql));
  }

  async write(sql: string, target: WriteTarget): Promise<readonly CandidateFile[]> {
    const own = this.#own.get(sql);
    if (own !== undefined) await this.#bindOwn(own, target);
    const files = await writeFiles(this.#writer(), own === undefined ? sql : `select * from ${OWN}`, target);
    for (const { uri, rows, size_bytes } of files) {
      this.#counted.set(uri, rows);
      this.#bytes_written += size_bytes;
    }
    this.#peak();
    return files;
  }

  /** Of files that were written here the rows were counted by reading them. */
  async countRows(files: readonly InputFile[]): Promise<number> {
    const unknown = files.filter(({ uri }) => !this.#counted.has(uri));
    let rows = files.reduce((sum, { uri }) => sum + (this.#counted.get(uri) ?? 0), 0);
    if (unknown.length === 0) return rows;
    const { spark, addressOf } = this.#parts;
    const view = this.#view('~counted');
    const paths = unknown.map(({ uri }) => addressOf(uri));
    await spark.carryOut(viewPlan(view, parquetRelation(paths, schemaText([]), ['`_`'])));
    const [row] = await spark.rows(`SELECT COUNT(*) AS n FROM ${view}`);
    rows += Number(row?.['n'] ?? 0);
    return rows;
  }

  /** Sources are read on this machine, but for files that stay where they are. */
  parse(request: ParseRequest): Promise<ParseResult> {
    if (request.files.some(({ address }) => address === undefined)) return this.#parts.shadow.parse(request);
    return parseInPlace(
      {
        ...this.#writer(),
        shadow: this.#parts.shadow,
        know: (name, columns) => this.#know(name, columns),
        write: (sql, target) => this.write(sql, target),
      },
      request,
    );
  }

  async digests(addresses: readonly string[]): Promise<ReadonlyMap<string, string>> {
    try {
      const found = await digestsOf(this.#writer(), addresses);
      return new Map([...found].map(([address, { sha256 }]) => [address, sha256]));
    } catch (error) {
      throw unreadable(error, addresses);
    }
  }

  exportFile(_sql: string, _target: ExportTarget): Promise<number> {
    return Promise.reject(new DataflowError('E_INTERNAL', 'files for others are not written by a step on Spark'));
  }

  // biome-ignore lint/correctness/useYield: there is nothing to give.
  async *exportBytes(_sql: string, _format: TextFormat): AsyncGenerator<Uint8Array, number, void> {
    throw new DataflowError('E_INTERNAL', 'rows for others are not written by a step on Spark');
  }

  infer(request: Parameters<EngineSession['infer']>[0]): Promise<readonly Column[]> {
    return this.#parts.shadow.infer(request);
  }

  usage(): EngineUsage {
    this.#peak();
    return { bytes_read: this.#bytes_read, bytes_written: this.#bytes_written, peak_memory_bytes: this.#peak_bytes };
  }

  async close(): Promise<void> {
    const { shadow, spark, scratch, remove } = this.#parts;
    await shadow.close();
    if (this.#scratch.size > 0) await remove(scratch).catch(() => undefined);
    spark.later([...this.#views].map((view) => `DROP VIEW IF EXISTS ${view}`));
  }

  /** The query in Spark's dialect. @throws DataflowError E_ENGINE_DIALECT */
  async #text(sql: string, lines_before = 0): Promise<string> {
    const { shadow } = this.#parts;
    const read = await shadow.tablesOf(sql);
    const tables = new Map(
      read.flatMap((name): [string, Described][] => {
        const columns = this.#tables.get(name.toLowerCase());
        return columns === undefined ? [] : [[name, columns]];
      }),
    );
    const made = await sparkDialect.translate({ sql, tables, session: shadow, relation: (name) => this.#view(name) });
    if ('refusals' in made) throw refusal(made.refusals, lines_before);
    return made.sql;
  }

  /** The rows of a query that somebody wrote for Spark, in the types that the table has. */
  async #bindOwn(sql: string, { columns }: WriteTarget): Promise<void> {
    const { shadow, spark } = this.#parts;
    const renamed = withViews(sql, [...this.#tables.keys()], (key) => this.#view(key)).sql;
    await shadow.bind({ name: OWN, columns, files: [] });
    this.#tables.set(OWN, columns);
    const items = sparkColumns(columns).map(
      ({ name, spark: type }) => `CAST(${quoteName(name)} AS ${type}) AS ${quoteName(name)}`,
    );
    const query = sqlRelation(`SELECT ${items.join(', ')} FROM (\n${renamed}\n) AS _`);
    await spark.carryOut(viewPlan(this.#view(OWN), query));
  }

  async #learn(name: string): Promise<Described> {
    const columns = await this.#parts.shadow.describe(`select * from ${quoteIdent(name)}`);
    this.#tables.set(name.toLowerCase(), columns);
    return columns;
  }

  /** Columns of a relation whose rows Spark gets otherwise. */
  async #know(name: string, columns: Described): Promise<void> {
    await this.#parts.shadow.bind({ name, columns: columns.map((one) => ({ ...one, nullable: true })), files: [] });
    this.#tables.set(name.toLowerCase(), columns);
  }

  async #makeView(view: string, text: string): Promise<void> {
    await this.#parts.spark.run(`CREATE OR REPLACE TEMPORARY VIEW ${view} AS\n${text}`);
  }

  #view(name: string): string {
    const view = quoteName(`${this.#parts.prefix}.${name.toLowerCase()}`);
    this.#views.add(view);
    return view;
  }

  #writer(): Writer {
    const { spark, addressOf, hashes, remove, places } = this.#parts;
    return {
      spark,
      addressOf,
      hashes,
      remove,
      places,
      text: (...asked) => this.#text(...asked),
      view: (name) => this.#view(name),
    };
  }

  #peak(): void {
    this.#peak_bytes = Math.max(this.#peak_bytes, process.memoryUsage.rss());
  }
}

/** The relation of {@link SparkStepSession.spell}. */
const OWN = '_own_query';

const POSITION: Described = [
  { name: '_part', type: 'integer' },
  { name: '_pos', type: 'bigint' },
];
