import { createHash } from 'node:crypto';
import { type BucketFolder, keyOf, listObjects } from './bucket-folder.ts';
import { documentOf, keyRefusal, type S3Problem } from './refusals.ts';
import { allOf, escaped, textOf, type XmlElement } from './xml.ts';

const KEYS_MAX = 1000;

/** Removes objects a thousand at a time; what the service could not remove is asked for again, then told. */
export async function removeObjects(
  folder: BucketFolder,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await removeKeys(
    folder,
    paths.map((path) => keyOf(folder, path)),
    signal,
  );
}

/** What is in a folder, also under keys that no file of ours can have: the ones that some clients put in the place of folders. */
export async function removeFolder(folder: BucketFolder, path: string, signal: AbortSignal): Promise<void> {
  keyOf(folder, path);
  for await (const page of listObjects(folder, `${path}/`, signal))
    await removeKeys(
      folder,
      page.map((file) => `${folder.prefix}${file.path}`),
      signal,
    );
}

async function removeKeys(folder: BucketFolder, all: readonly string[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < all.length; at += KEYS_MAX) {
    const keys = all.slice(at, at + KEYS_MAX).map((key) => `<Object><Key>${escaped(key)}</Key></Object>`);
    const body = Buffer.from(
      `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${keys.join('')}</Delete>`,
    );
    const headers = {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    const request = { ask: 'delete', method: 'POST', query: { delete: '' }, headers, body, signal } as const;
    await folder.exchange.retried(request, async () => {
      const answer = documentOf((await folder.exchange.once(request)).text, 'DeleteResult');
      const refused = allOf(answer, 'Error')
        .map(keptBack)
        .filter(({ code }) => code !== 'NoSuchKey');
      const first = refused.find(({ again }) => !again) ?? refused[0];
      if (first !== undefined) throw first;
    });
  }
}

function keptBack(error: XmlElement): S3Problem {
  const code = textOf(error, 'Code');
  return keyRefusal(code, `${textOf(error, 'Key')} is not removed: ${code}: ${textOf(error, 'Message')}`);
}
