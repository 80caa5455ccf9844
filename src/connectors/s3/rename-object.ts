import { createHash } from 'node:crypto';
import type { FarFile, FarStorage } from '../../core/ports/far-storage.ts';
import { type BucketFolder, keyOf } from './bucket-folder.ts';
import { headObject, readObject } from './read-object.ts';
import { documentOf, S3Problem } from './refusals.ts';
import { removeObjects } from './remove-objects.ts';

/**
 * A copy that the service makes itself, up to 5 GB, and the removal of the old one. Between the two both names are there: what ended then is ended
 * by the next attempt, which is known by the same bytes under both.
 */
export async function renameObject(
  folder: BucketFolder,
  { from, to, signal }: Parameters<FarStorage['rename']>[0],
): Promise<boolean> {
  const { exchange } = folder;
  const there = await headObject(folder, to, signal);
  if (there !== undefined) {
    const old = await headObject(folder, from, signal);
    if (old === undefined) return true;
    if (from === to || !(await sameBytes(folder, [old, there], signal))) return false;
    await removeObjects(folder, [from], signal);
    return true;
  }
  const source = [exchange.bucket, ...keyOf(folder, from).split('/')].map(encodeURIComponent).join('/');
  const request = {
    ...({ ask: 'copy', method: 'PUT', key: keyOf(folder, to), signal } as const),
    headers: { 'x-amz-copy-source': `/${source}` },
  };
  try {
    await exchange.retried(request, async () => documentOf((await exchange.once(request)).text, 'CopyObjectResult'), [
      'NoSuchKey',
    ]);
  } catch (error) {
    if (error instanceof S3Problem) return false;
    throw error;
  }
  await removeObjects(folder, [from], signal);
  return true;
}

/** By the bytes themselves: the tag of an object that went up in parts is not that of its copy. Asked only where both names are there. */
async function sameBytes(
  folder: BucketFolder,
  [one, other]: readonly [FarFile, FarFile],
  signal: AbortSignal,
): Promise<boolean> {
  if (one.size_bytes !== other.size_bytes) return false;
  const first = await sha256Of(folder, one, signal);
  return first !== undefined && first === (await sha256Of(folder, other, signal));
}

async function sha256Of(folder: BucketFolder, file: FarFile, signal: AbortSignal): Promise<string | undefined> {
  const found = await readObject(folder, { path: file.path, signal });
  // What was written meanwhile is not what was seen.
  if (found === undefined || found.file.mark !== file.mark) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of found.chunks) hash.update(chunk);
  return hash.digest('hex');
}
