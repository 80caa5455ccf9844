import { join } from 'node:path';

/** Set by the build; absent when the sources are run as they are. */
declare const BUILD_ID: string | undefined;

/** Where checked configurations are kept between two starts; nowhere without a home folder. */
export function snapshotStore(env: NodeJS.ProcessEnv): { folder: string; build_id: string } | undefined {
  const cache = env['XDG_CACHE_HOME'] || (env['HOME'] ? join(env['HOME'], '.cache') : undefined);
  if (cache === undefined || typeof BUILD_ID === 'undefined') return undefined;
  return { folder: join(cache, 'dataflow', 'projects'), build_id: BUILD_ID };
}
