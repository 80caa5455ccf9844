import type { FarStorage } from '../../core/ports/far-storage.ts';
import { type BucketFolder, keyOf } from './bucket-folder.ts';
import { headObject } from './read-object.ts';
import { documentOf, S3Problem } from './refusals.ts';
import { removeObjects } from './remove-objects.ts';

/** A copy that the service makes itself, up to 5 GB, and the removal of the old one. */
export async function renameObject(
  folder: BucketFolder,
  { from, to, signal }: Parameters<FarStorage['rename']>[0],
): Promise<boolean> {
  const { exchange } = folder;
  if ((await headObject(folder, to, signal)) !== undefined)
    return (await headObject(folder, from, signal)) === undefined;
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
