import { type RecordBatch, RecordBatchReader } from 'apache-arrow';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineColumn, EngineProgress, Row } from '../../core/ports/engine.ts';
import { batchRows } from './arrow-cells.ts';
import { type ConnectAddress, parseConnectUrl, UrlProblem } from './connect-url.ts';
import { schemaColumns } from './data-types.ts';
import { Link } from './link.ts';
import {
  ANALYZE_PLAN_REQUEST,
  ANALYZE_PLAN_RESPONSE,
  ANY_RESPONSE,
  CONFIG_REQUEST,
  CONFIG_RESPONSE,
  EXPLAIN_FORMATTED,
  type ExecutePlanResponse,
  type ExecutionProgress,
  RELEASE_SESSION_REQUEST,
} from './messages.ts';
import { execute } from './operation.ts';
import { commandPlan, type Plan, queryPlan, RELATION } from './plans.ts';
import { decode, type Message } from './protobuf.ts';

const ANALYZE = { name: 'AnalyzePlan', request: ANALYZE_PLAN_REQUEST, response: ANALYZE_PLAN_RESPONSE };
const CONFIG = { name: 'Config', request: CONFIG_REQUEST, response: CONFIG_RESPONSE };
const RELEASE = { name: 'ReleaseSession', request: RELEASE_SESSION_REQUEST, response: ANY_RESPONSE };

const ROWS_MAX = 10_000;
/** A server that has just started is slow. */
const GREETING_MAX_MS = 60_000;
const FAREWELL_MAX_MS = 5_000;

/** Some rows of a result, in order. */
export interface RowBatch {
  readonly columns: readonly EngineColumn[];
  readonly rows: readonly Row[];
}

export interface SparkOptions {
  /** Where the url has none. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A server that was started for this session, and ends with it. */
  readonly own?: { readonly words: string; stop(): Promise<void> } | undefined;
  readonly onProgress?: ((progress: EngineProgress) => void) | undefined;
  readonly onError?: (error: DataflowError) => void;
}

/**
 * Signs in at a Spark Connect server (`sc://host:port/;token=…`) and asks for its version.
 * @throws DataflowError E_CONFIG_INVALID, E_ENGINE_UNREACHABLE, E_ENGINE_DENIED
 */
export async function openSparkSession(url: string, options: SparkOptions = {}): Promise<SparkSession> {
  const link = new Link(addressOf(url, options.token));
  try {
    const { spark_version } = await link.ask(ANALYZE, { ...link.identity, spark_version: {} }, GREETING_MAX_MS);
    const session = new SparkSession(link, spark_version?.version ?? '', options);
    // Instants are shown in UTC, and texts without a zone are read in it. A value that does not fit is an error, which Spark 3 has to be told.
    await session.setConfig({ 'spark.sql.session.timeZone': 'UTC', 'spark.sql.ansi.enabled': 'true' });
    return session;
  } catch (error) {
    const known = await link.explain(error);
    await link.close();
    throw known;
  }
}

function addressOf(url: string, token: string | undefined): ConnectAddress {
  try {
    return parseConnectUrl(url, token);
  } catch (error) {
    if (error instanceof UrlProblem) throw new DataflowError('E_CONFIG_INVALID', `the url of Spark: ${error.message}`);
    throw error;
  }
}

/** A session at a Spark Connect server: any statement that the user may run there. What its SQL makes (views, settings) ends with it. Errors are of the catalogue. */
export class SparkSession {
  /** As Spark calls it: `4.0.1`. */
  readonly version: string;
  readonly #link: Link;
  readonly #options: SparkOptions;

  constructor(link: Link, version: string, options: SparkOptions) {
    this.#link = link;
    this.version = version;
    this.#options = options;
  }

  /** The same session for somebody with a signal of its own, and who is told of progress; who made the session closes it. */
  for(options: Omit<SparkOptions, 'token' | 'own'>): SparkSession {
    return new SparkSession(this.#link, this.version, options);
  }

  /** Statements that nobody waits for; those that were not run when the session is closed need not be. */
  later(statements: readonly string[]): void {
    const session = this.for({});
    const work = async (): Promise<void> => {
      for (const one of statements) if (!this.#link.leaving) await session.run(one).catch(() => undefined);
    };
    this.#link.later(work());
  }

  /** `host:port` of the server. */
  get place(): string {
    return this.#link.place;
  }

  /** What was started for this session, in words; undefined where the server is somebody else's. */
  get started(): string | undefined {
    return this.#options.own?.words;
  }

  /** Runs one statement that makes or changes something; the few rows that it answers with. */
  async run(sql: string): Promise<readonly Row[]> {
    const { relation } = await this.#command(sql);
    const data = relation === undefined ? undefined : decode(RELATION, relation).local_relation?.data;
    return data === undefined ? [] : rowsOf(data);
  }

  /** Carries a command out that has no text of its own. @param sql the text in it, for the place of an error. */
  async carryOut(plan: Plan, sql = ''): Promise<void> {
    for await (const _ of this.#execute(plan, sql));
  }

  /** A small result. @throws DataflowError E_ENGINE when it is longer than `rows_max` (default 10,000). */
  async rows(sql: string, options: { readonly rows_max?: number } = {}): Promise<readonly Row[]> {
    const rows_max = options.rows_max ?? ROWS_MAX;
    const all: Row[] = [];
    for await (const { rows } of this.stream(sql)) {
      for (const row of rows) all.push(row);
      if (all.length > rows_max) throw new DataflowError('E_ENGINE', `a result has more than ${rows_max} rows`);
    }
    return all;
  }

  /** A result of any size as it is computed; one without rows is one batch without rows. A reader who leaves ends the work. */
  async *stream(sql: string): AsyncGenerator<RowBatch, void, void> {
    let last: RowBatch = { columns: [], rows: [] };
    let empty = true;
    for await (const { columns, batches } of this.batches(sql)) {
      last = { columns, rows: batches.flatMap(batchRows) };
      if (last.rows.length === 0) continue;
      empty = false;
      yield last;
    }
    if (empty) yield last;
  }

  /** The same as Arrow's batches, and the columns once at least. */
  async *batches(
    sql: string,
  ): AsyncGenerator<
    { readonly columns: readonly EngineColumn[]; readonly batches: readonly RecordBatch[] },
    void,
    void
  > {
    let columns: readonly EngineColumn[] = [];
    let taken = 0;
    for await (const { schema, arrow_batch } of this.#execute(queryPlan(sql), sql)) {
      if (schema !== undefined) columns = schemaColumns(schema);
      const { data, start_offset = 0 } = arrow_batch ?? {};
      if (data !== undefined && start_offset !== taken && taken > 0 && start_offset > 0)
        throw new DataflowError('E_ENGINE', `Spark sent row ${start_offset} of a result where row ${taken} is due`);
      const batches = data === undefined ? [] : [...RecordBatchReader.from(data)];
      for (const batch of batches) taken += batch.numRows;
      yield { columns, batches };
    }
  }

  /** Columns of a query without running it. (Of what is no query Spark runs even here what takes effect at once, such as DROP.) */
  async describe(sql: string): Promise<readonly EngineColumn[]> {
    const { schema } = await this.#analyse({ schema: { plan: queryPlan(sql) } }, sql);
    return schema?.schema === undefined ? [] : schemaColumns(schema.schema);
  }

  /** How Spark would run a query. */
  async explain(sql: string): Promise<string> {
    const asked = { explain: { plan: queryPlan(sql), explain_mode: EXPLAIN_FORMATTED } };
    return (await this.#analyse(asked, sql)).explain?.explain_string ?? '';
  }

  /** A setting of the session; undefined where it is not set and has no default. */
  async config(name: string): Promise<string | undefined> {
    const { pairs = [] } = await this.#guard(() =>
      this.#link.ask(CONFIG, { ...this.#link.identity, operation: { get_option: { keys: [name] } } }),
    );
    return pairs[0]?.value;
  }

  async setConfig(settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }));
    await this.#guard(() => this.#link.ask(CONFIG, { ...this.#link.identity, operation: { set: { pairs } } }));
  }

  /** Ends the session at the server, as far as that can still be reached. */
  async close(): Promise<void> {
    this.#link.leaving = true;
    await this.#link.settled();
    const { client_observed_server_side_session_id: _, ...who } = this.#link.identity;
    await this.#link.ask(RELEASE, who, FAREWELL_MAX_MS).catch(() => {});
    await this.#link.close();
    await this.#options.own?.stop();
  }

  async #command(sql: string): Promise<{ readonly relation?: Uint8Array | undefined }> {
    let relation: Uint8Array | undefined;
    for await (const { sql_command_result } of this.#execute(commandPlan(sql, this.version), sql))
      relation = sql_command_result?.relation ?? relation;
    return { relation };
  }

  async *#execute(plan: Plan, sql: string): AsyncGenerator<ExecutePlanResponse, void, void> {
    const { signal, onProgress, onError } = this.#options;
    try {
      for await (const answer of execute(this.#link, plan, { sql, signal })) {
        if (answer.execution_progress === undefined) yield answer;
        else onProgress?.(progressOf(answer.execution_progress));
      }
    } catch (error) {
      if (error instanceof DataflowError) onError?.(error);
      throw error;
    }
  }

  async #analyse(
    asked: Message<typeof ANALYZE_PLAN_REQUEST>,
    sql: string,
  ): Promise<Message<typeof ANALYZE_PLAN_RESPONSE>> {
    return this.#guard(() => this.#link.ask(ANALYZE, { ...this.#link.identity, ...asked }), sql);
  }

  async #guard<T>(work: () => Promise<T>, sql?: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#link.explain(error, sql);
    }
  }
}

/** The tasks of all stages that Spark knows of so far: more stages may come. */
function progressOf({ stages = [] }: ExecutionProgress): EngineProgress {
  const sum = (pick: (stage: (typeof stages)[number]) => number | undefined): number =>
    stages.reduce((total, stage) => total + (pick(stage) ?? 0), 0);
  const tasks = sum(({ num_tasks }) => num_tasks);
  if (tasks === 0) return {};
  return { percentage: (100 * sum(({ num_completed_tasks }) => num_completed_tasks)) / tasks };
}

function rowsOf(data: Uint8Array): readonly Row[] {
  return [...RecordBatchReader.from(data)].flatMap(batchRows);
}
