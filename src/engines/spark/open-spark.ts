import { refuseUnguarded, startOwnServer } from './own/start.ts';
import type { SparkPlace } from './places.ts';
import { openSparkSession, type SparkSession } from './session.ts';

/** Signs in where a project's Spark is; a server that is started for it ends when the session is closed. @throws DataflowError */
export async function openSpark(
  place: SparkPlace,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal | undefined },
): Promise<SparkSession> {
  if (place.kind === 'server') return openSparkSession(place.url, { token: place.token, signal });
  const own = await startOwnServer({ ...place, env, signal });
  try {
    const session = await openSparkSession(own.url, { signal, own });
    refuseUnguarded(session.version);
    return session;
  } catch (error) {
    await own.stop();
    throw error;
  }
}
