import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSpec } from '../../core/model/project.ts';
import type { EngineColumn } from '../../core/ports/engine.ts';
import type { FarEngine, FarEngineFinding, TableAt } from '../../core/ports/far-engine.ts';
import { quoteText } from '../../kit/sql.ts';
import { viewName, withViews } from './lake-names.ts';
import { hadoopAddress, serverOf } from './places.ts';
import { openSparkSession, type RowBatch, type SparkSession } from './session.ts';

/** Before and behind what a user typed: nothing but a query can stand there, as other statements take effect at once. */
const [BEFORE, BEHIND] = ['select * from (\n', '\n)'] as const;
const LINES_BEFORE = 1;

const FIX_DELTA =
  'Start the server with Delta: its jar, spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension and spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog.';

/** Signs in at the server of `engine.url`, else of `SPARK_REMOTE`, as Spark's own clients do. @throws DataflowError */
export async function reachSpark(
  spec: EngineSpec,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<FarEngine> {
  const { url, token } = serverOf(spec, env);
  return new FarSpark(await openSparkSession(url, { token, signal }));
}

class FarSpark implements FarEngine {
  readonly type = 'spark';
  readonly #session: SparkSession;

  constructor(session: SparkSession) {
    this.#session = session;
  }

  async probe({ sample, is_local }: Parameters<FarEngine['probe']>[0]): Promise<readonly FarEngineFinding[]> {
    const { version, place } = this.#session;
    const known = /^(3\.5|4)\./.test(version);
    const found: FarEngineFinding[] = [
      {
        about: '',
        ok: known,
        words: `Spark ${version} answers at ${place}`,
        ...(known ? {} : { hint: 'Versions 3.5 and 4 are known to work: use one of them.' }),
      },
      await this.#catalog(),
    ];
    return [...found, await this.#lake(sample, is_local)];
  }

  describe(sql: string): Promise<readonly EngineColumn[]> {
    return this.#session.describe(sql);
  }

  async *query(sql: string, tables: readonly TableAt[]): AsyncGenerator<RowBatch, void, void> {
    for (const table of tables) await this.#bind(table);
    const { sql: asked, back } = withViews(
      sql,
      tables.map(({ key }) => key),
    );
    try {
      yield* this.#session.stream(BEFORE + asked + BEHIND);
    } catch (error) {
      if (!(error instanceof DataflowError) || error.place?.line === undefined) throw error;
      const { code, message, hint, place } = error;
      const inside = back({ ...place, line: error.place.line - LINES_BEFORE });
      throw new DataflowError(code, message, { hint, place: inside });
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** Makes a table of the lake readable under its name, as it was at the version. */
  async #bind({ key, uri, version }: TableAt): Promise<void> {
    const source = `delta.\`${hadoopAddress(uri).replaceAll('`', '``')}\` version as of ${version}`;
    await this.#session.run(`create or replace temp view ${viewName(key)} as select * from ${source}`);
  }

  /** Which catalog names are looked up in, and whether Delta is known: a kind of table that is not is taken for the name of a schema. */
  async #catalog(): Promise<FarEngineFinding> {
    const [row] = await this.#session.rows('select current_catalog() as catalog, current_user() as user');
    const words = `catalog ${row?.['catalog']}, user ${row?.['user']}`;
    const missing = await this.#session.describe('select * from delta.`/nowhere-dataflow`').then(
      () => undefined,
      (error: unknown) => (error instanceof DataflowError ? error.message : String(error)),
    );
    if (missing === undefined || !missing.includes('TABLE_OR_VIEW_NOT_FOUND'))
      return { about: 'catalog', ok: true, words: `${words}, Delta is there` };
    return { about: 'catalog', ok: false, words: `${words}, but Delta is not there`, hint: FIX_DELTA };
  }

  /** Rows of a table, counted by the executors. */
  async #lake(sample: TableAt | undefined, is_local: boolean): Promise<FarEngineFinding> {
    const where = is_local ? 'the folder of a local lake' : 'the lake';
    if (sample === undefined)
      return {
        about: 'lake',
        ok: true,
        words: `no table is there yet by which to see whether Spark can read ${where}`,
      };
    const { key, version, uri } = sample;
    try {
      await this.#bind(sample);
      // Not the count alone, which Delta knows from its log.
      const names = `select input_file_name() as name from ${viewName(key)}`;
      const count = `select count(*) as n, count(distinct name) as files from (${names})`;
      const [row] = await this.#session.rows(count);
      const files = `${row?.['files']} ${row?.['files'] === 1 ? 'file' : 'files'}`;
      return { about: 'lake', ok: true, words: `reads ${key} at version ${version}: ${row?.['n']} rows in ${files}` };
    } catch (error) {
      const hint = is_local
        ? `A local lake must be the same folder on the server and its executors: mount ${quoteText(uri)} there.`
        : 'Give the user of the server the right to read there, and the server what it needs for such addresses.';
      const message = error instanceof DataflowError ? error.message : String(error);
      return { about: 'lake', ok: false, words: `cannot read ${key}: ${message}`, hint };
    }
  }
}
