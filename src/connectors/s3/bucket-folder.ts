import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarFile, PutRequest } from '../../core/ports/far-storage.ts';
import type { S3Answer, S3Exchange } from './exchange.ts';
import type { PartBuffers } from './part-buffers.ts';
import { allOf, textOf, type XmlElement } from './xml.ts';

/** A bucket's keys below one prefix, as paths. */
export interface BucketFolder {
  readonly exchange: S3Exchange;
  /** Empty, or with `/` at its end. */
  readonly prefix: string;
  readonly buffers: PartBuffers;
}

/** @throws DataflowError E_FAR_REFUSED for a path that leaves the folder, or that no file can have */
export function keyOf({ prefix }: BucketFolder, path: string): string {
  const parts = path.split('/');
  if (path === '' || parts.some((part) => part === '' || part === '.' || part === '..') || /[\0\r\n]/.test(path))
    throw new DataflowError('E_FAR_REFUSED', `${JSON.stringify(path).slice(0, 200)} is no path of a file`);
  return `${prefix}${path}`;
}

/** The tag of an object: without the quotes around it. */
export function tagOf(text: string | undefined): string {
  return (text ?? '').replace(/^(W\/)?"|"$/g, '');
}

/** The header that lets the service itself decide. */
export function condition(over: PutRequest['over']): Readonly<Record<string, string>> {
  if (over === 'anything') return {};
  return over === 'nothing' ? { 'if-none-match': '*' } : { 'if-match': `"${over.mark}"` };
}

/** Codes with which a condition is not met. */
export const NOT_MET = ['PreconditionFailed', 'NoSuchKey', 'NotFound'];

/** Files in pages of a thousand keys. */
export async function* listKeys(
  folder: BucketFolder,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<readonly FarFile[]> {
  for await (const page of listObjects(folder, prefix, signal)) yield page.filter(({ path }) => !path.endsWith('/'));
}

/** The same with all that has a key: one that ends in `/` stands for a folder and holds nothing. */
export async function* listObjects(
  folder: BucketFolder,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<readonly FarFile[]> {
  const begin = `${folder.prefix}${prefix}`;
  for (let token = ''; ; ) {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      prefix: begin,
      ...(token === '' ? {} : { 'continuation-token': token }),
    };
    const request = { ask: 'list', method: 'GET', query, signal } as const;
    const marks = { mark: 'NextContinuationToken', last: token };
    const { page, next } = await folder.exchange.page(request, 'ListBucketResult', marks);
    yield allOf(page, 'Contents').map((object) => fileOf(folder, object));
    token = next;
    if (token === '') return;
  }
}

function fileOf({ prefix }: BucketFolder, object: XmlElement): FarFile {
  return {
    path: decoded(textOf(object, 'Key')).slice(prefix.length),
    size_bytes: Number(textOf(object, 'Size')),
    modified_ms: Date.parse(textOf(object, 'LastModified')),
    mark: tagOf(textOf(object, 'ETag')),
  };
}

/** As `encoding-type=url` writes keys. */
export function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** What the head of an answer says of an object. */
export function fileFrom(path: string, { headers }: Pick<S3Answer, 'headers'>): FarFile {
  const total = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  return {
    path,
    size_bytes: Number(total ?? headers['content-length'] ?? 0),
    modified_ms: Date.parse(headers['last-modified'] ?? ''),
    mark: tagOf(headers['etag']),
  };
}
