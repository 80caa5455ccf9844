import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type BucketFolder, keyOf } from './bucket-folder.ts';
import { refusalInside } from './refusals.ts';
import { allOf, escaped, parseAnswer, textOf } from './xml.ts';

const KEYS_MAX = 1000;

/** Removes objects a thousand at a time; what the service could not remove is asked for again, then told. */
export async function removeObjects(
  folder: BucketFolder,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < paths.length; at += KEYS_MAX) {
    const keys = paths
      .slice(at, at + KEYS_MAX)
      .map((path) => `<Object><Key>${escaped(keyOf(folder, path))}</Key></Object>`);
    const body = Buffer.from(
      `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${keys.join('')}</Delete>`,
    );
    const headers = {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    const request = { ask: 'delete', method: 'POST', query: { delete: '' }, headers, body, signal } as const;
    const answer = await folder.exchange.retried(request, async () => {
      const { text } = await folder.exchange.once(request);
      const refused = refusalInside(text);
      if (refused !== undefined) throw refused;
      return parseAnswer(text);
    });
    const [failed] = allOf(answer, 'Error');
    if (failed === undefined) continue;
    const [key, code] = [textOf(failed, 'Key'), textOf(failed, 'Code')];
    throw new DataflowError(
      code === 'AccessDenied' ? 'E_FAR_DENIED' : 'E_FAR_REFUSED',
      `${folder.exchange.name}/${key} is not removed: ${code}: ${textOf(failed, 'Message')}${code === 'AccessDenied' ? ' (it needs s3:DeleteObject)' : ''}`,
    );
  }
}
