import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Client } from 'minio';
import type { MirrorPlace } from './mirror-project.ts';

/** A bucket of its own. @param address host:port by which the project reaches it */
export async function bucketPlace(
  url: string,
  address = new URL(url).host,
): Promise<MirrorPlace & { readonly bucket: string }> {
  const { hostname, port, username, password } = new URL(url);
  const client = new Client({
    ...{ endPoint: hostname, port: Number(port), useSSL: false },
    ...{ accessKey: username, secretKey: password },
  });
  const bucket = `mirror-${randomBytes(4).toString('hex')}`;
  await client.makeBucket(bucket);
  const list = async (): Promise<readonly string[]> => {
    const names: string[] = [];
    for await (const { name } of client.listObjectsV2(bucket, '', true) as AsyncIterable<{ name: string }>)
      names.push(name.replace(/^lake\//, ''));
    return names;
  };
  return {
    bucket,
    connection: `{ type: s3, endpoint: "http://${address}", bucket: ${bucket}, access_key: "\${FAR_USER}", secret_key: "\${FAR_PASSWORD}" }`,
    lake_url: `s3://${bucket}/lake`,
    env: { FAR_USER: username, FAR_PASSWORD: password },
    put: async (path, content) => void (await client.putObject(bucket, `lake/${path}`, content)),
    remove: async (path) => client.removeObject(bucket, `lake/${path}`),
    list,
    copyTo: async (folder) => {
      for (const path of await list()) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        await pipeline(await client.getObject(bucket, `lake/${path}`), createWriteStream(join(folder, path)));
      }
    },
    clear: async () => {
      await client.removeObjects(
        bucket,
        (await list()).map((name) => `lake/${name}`),
      );
      await client.removeBucket(bucket);
    },
  };
}
