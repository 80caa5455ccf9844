import { stat } from 'node:fs/promises';
import type { FarFile, FarProbe, FarStorage, FarStorageComponent } from '../../core/ports/far-storage.ts';
import { type BucketFolder, keyOf, listKeys } from './bucket-folder.ts';
import type { S3ConnectionOptions } from './connection.ts';
import { S3Exchange } from './exchange.ts';
import { PartBuffers } from './part-buffers.ts';
import { tagMatches } from './parts.ts';
import { putObject } from './put-object.ts';
import { headObject, readObject } from './read-object.ts';
import { removeFolder, removeObjects } from './remove-objects.ts';
import { renameObject } from './rename-object.ts';
import { leftUploads } from './uploads.ts';
import { textOf } from './xml.ts';

/** Objects of a bucket, below a prefix: `connection:` of type s3. */
export const component: FarStorageComponent = {
  type: 's3',
  open: (request) => {
    const exchange = new S3Exchange(request.connection.options as S3ConnectionOptions, request);
    return s3Storage({ exchange, prefix: request.path === '' ? '' : `${request.path}/`, buffers: new PartBuffers() });
  },
};

function s3Storage(folder: BucketFolder): FarStorage {
  const { exchange, prefix } = folder;
  return {
    name: `${exchange.name}/${prefix}`.replace(/\/$/, ''),
    requests: exchange.requests,
    list: ({ prefix: below, signal }) => listKeys(folder, below, signal),
    info: (path, signal) => headObject(folder, path, signal),
    read: (request) => readObject(folder, request),
    put: (request) => putObject(folder, request),
    matches: (file, far, signal) => matches(folder, file, far, signal),
    rename: (names) => renameObject(folder, names),
    remove: (paths, signal) => removeObjects(folder, paths, signal),
    removeFolder: (path, signal) => removeFolder(folder, path, signal),
    leftovers: (request) => leftUploads(folder, request),
    probe: (signal) => probe(folder, signal),
    close: () => exchange.close(),
  };
}

/** By the tag. One that differs is no MD5 where the service encrypts with a key of its own: then it tells nothing. */
async function matches(
  folder: BucketFolder,
  file: string,
  far: FarFile,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { size } = await stat(file);
  if (size !== far.size_bytes) return false;
  const same = await tagMatches(file, size, far.mark);
  if (same !== false) return same;
  const key = keyOf(folder, far.path);
  const { headers } = await folder.exchange.ask({ ask: 'head', method: 'HEAD', key, signal });
  const encryption = headers['x-amz-server-side-encryption'] ?? '';
  const own_key = headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined;
  return encryption.startsWith('aws:') || own_key ? undefined : false;
}

/** One key of the folder, and whether old versions are kept by the bucket itself. */
async function probe({ exchange, prefix }: BucketFolder, signal: AbortSignal): Promise<FarProbe> {
  const query = { 'list-type': '2', 'max-keys': '1', prefix };
  const listed = await exchange.document({ ask: 'list', method: 'GET', query, signal }, 'ListBucketResult');
  const empty = textOf(listed, 'KeyCount') === '0';
  const request = { ask: 'bucket', method: 'GET', query: { versioning: '' }, signal } as const;
  const status = await exchange.document(request, 'VersioningConfiguration').then(
    (answer) => textOf(answer, 'Status'),
    () => '', // Who may not ask this may still mirror.
  );
  const versioned = status === 'Enabled';
  return {
    words: `reachable${empty ? ', nothing there yet' : ''}${versioned ? ', versioned' : ''}`,
    ...(versioned
      ? { warning: 'The bucket keeps every old version of a file: give it a lifecycle rule, or it grows for ever.' }
      : {}),
  };
}
