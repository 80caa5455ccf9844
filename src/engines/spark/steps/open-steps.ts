import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { EngineSpec } from '../../../core/model/project.ts';
import type { Engine, SessionOptions } from '../../../core/ports/engine.ts';
import type { ComputePlaces } from '../../../core/ports/engine-component.ts';
import { sparkAddressing } from '../lake-uri.ts';
import { openSpark } from '../open-spark.ts';
import { sparkPlace } from '../places.ts';
import type { SparkSession } from '../session.ts';
import { SparkStepSession } from './step-session.ts';

/**
 * What queries, and the files that Spark writes, depend on, whatever the cluster's own settings are: the dialect that is translated to, and types as
 * Delta's protocol has them.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  'spark.sql.ansi.enabled': 'true',
  'spark.sql.caseSensitive': 'false',
  'spark.sql.timestampType': 'TIMESTAMP_LTZ',
  'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS',
  'spark.sql.parquet.writeLegacyFormat': 'false',
  'spark.sql.parquet.datetimeRebaseModeInRead': 'CORRECTED',
  'spark.sql.parquet.datetimeRebaseModeInWrite': 'CORRECTED',
  'spark.sql.files.ignoreMissingFiles': 'false',
  'spark.sql.files.ignoreCorruptFiles': 'false',
};

const GONE = new Set(['E_ENGINE_LOST', 'E_ENGINE_SESSION', 'E_ENGINE_UNREACHABLE']);

/** Spark as the engine of steps: signs in when the first session is opened, once for all of them. Nothing is asked of the server before. */
export function openSparkSteps(spec: EngineSpec, places: ComputePlaces): Engine {
  const place = sparkPlace(spec, places.env);
  const hadoopAddress = sparkAddressing(places.lake_url, spec['lake_uri'] as string | undefined);
  let signed_in: Promise<SparkSession> | undefined;
  let version = '';
  let steps = 0;
  const signIn = async (): Promise<SparkSession> => {
    const session = await openSpark(place, { env: places.env });
    version = session.version;
    await session.setConfig(SETTINGS);
    return session;
  };
  const shared = (): Promise<SparkSession> => {
    const asked = signed_in ?? signIn();
    signed_in = asked;
    // A server that is away now may be there for the next step.
    asked.catch(() => forget(asked));
    return asked;
  };
  const forget = (lost: Promise<SparkSession>): void => {
    if (signed_in === lost) signed_in = undefined;
  };
  return {
    type: 'spark',
    get version() {
      return version;
    },
    openSession: async (options: SessionOptions) => {
      if (options.sandbox !== undefined)
        throw new DataflowError('E_INTERNAL', 'queries of users have a way of their own');
      const session = shared();
      const mine = (await session).for({
        ...options,
        onError: (error) => void (GONE.has(error.code) && forget(session)),
      });
      const { signal, label } = options;
      const shadow = await places.here.openSession({ label, ...(signal === undefined ? {} : { signal }) });
      steps += 1;
      const prefix = `s${steps}`;
      const { hashes, remove, scratchOf } = places;
      const addressOf = (uri: string): string => hadoopAddress(places.addressOf(uri));
      const scratch = scratchOf(label, prefix);
      return new SparkStepSession({ shadow, spark: mine, prefix, scratch, addressOf, hashes, remove, places });
    },
    close: async () => {
      const session = await signed_in?.catch(() => undefined);
      signed_in = undefined;
      await session?.close();
    },
  };
}
