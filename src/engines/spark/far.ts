import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSpec } from '../../core/model/project.ts';
import type { EngineColumn } from '../../core/ports/engine.ts';
import type { FarEngine, FarEngineFinding, ReachOptions, TableAt } from '../../core/ports/far-engine.ts';
import { viewName, withViews } from './lake-names.ts';
import { type Addressing, sparkAddressing } from './lake-uri.ts';
import { openSpark } from './open-spark.ts';
import { sparkPlace } from './places.ts';
import { probeCatalog, probeLake, probeVersion } from './probe.ts';
import type { RowBatch, SparkSession } from './session.ts';

/** Before and behind what a user typed: nothing but a query can stand there, as other statements take effect at once. */
const [BEFORE, BEHIND] = ['select * from (\n', '\n)'] as const;
const LINES_BEFORE = 1;

/** Signs in at the project's Spark, which is started first where it is only installed. @throws DataflowError */
export async function reachSpark(spec: EngineSpec, { env, signal, lake_url }: ReachOptions): Promise<FarEngine> {
  const session = await openSpark(sparkPlace(spec, env), { env, signal });
  return new FarSpark(session, sparkAddressing(lake_url, spec['lake_uri'] as string | undefined));
}

class FarSpark implements FarEngine {
  readonly type = 'spark';
  readonly #session: SparkSession;
  readonly #addressed: Addressing;

  constructor(session: SparkSession, addressed: Addressing) {
    this.#session = session;
    this.#addressed = addressed;
  }

  async probe({ sample }: Parameters<FarEngine['probe']>[0]): Promise<readonly FarEngineFinding[]> {
    const found = [probeVersion(this.#session), await probeCatalog(this.#session)];
    if (sample === undefined)
      return [
        ...found,
        { about: 'lake', ok: true, words: 'no table is there yet by which to see whether Spark reads it' },
      ];
    const address = this.#addressed(sample.uri);
    const seen = { table: sample, address, bind: () => this.#bind(sample) };
    return [...found, ...(await probeLake(this.#session, seen))];
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
    const source = `delta.\`${this.#addressed(uri).replaceAll('`', '``')}\` version as of ${version}`;
    await this.#session.run(`create or replace temp view ${viewName(key)} as select * from ${source}`);
  }
}
