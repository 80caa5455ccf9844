import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { MirrorPlace } from './mirror-project.ts';
import { hdfsKeeper } from './place-keepers.ts';

/** A folder of its own in HDFS. `folders`: names of those below one of the lake's, at any depth. */
export async function hdfsPlace(
  url: string,
): Promise<MirrorPlace & { folders(below: string): Promise<readonly string[]> }> {
  const base = `mirror-${randomBytes(4).toString('hex')}`;
  const keeper = await hdfsKeeper(url, base);
  const list = async (): Promise<readonly string[]> =>
    (await keeper.list('lake')).map((path) => path.slice('lake/'.length));
  return {
    connection: `{ type: hdfs, url: "${url}", user: hdfs, path: /${base}, block_size_bytes: 1048576 }`,
    lake_url: `hdfs://namenode/${base}/lake`,
    env: {},
    put: (path, content) => keeper.put(`lake/${path}`, content),
    remove: (path) => keeper.remove(`lake/${path}`),
    list,
    copyTo: async (folder) => {
      // What is half written is hidden by a dot.
      for (const path of (await list()).filter((one) => !basename(one).startsWith('.'))) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), await keeper.get(`lake/${path}`));
      }
    },
    folders: (below) => keeper.folders(`lake/${below}`),
    clear: () => keeper.clear(),
  };
}
