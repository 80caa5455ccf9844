import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';

/**
 * Where a path of the log leads: relative to the table's folder, or with a leading `/` relative to the lake's root for a file of
 * another table (a shallow clone). Percent-decoded, and safe: no `..`, no control characters, nothing outside the lake (case 35).
 * @throws DataflowError E_LAKE_CORRUPT for a path that leads elsewhere.
 */
export function resolvePath(storage: LakeStorage, table_folder: string, path: string): string {
  const decoded = percentDecoded(path);
  if (decoded === '' || /[\u0000-\u001f\u007f\\]/.test(decoded) || decoded.split('/').includes('..'))
    throw outside(path);
  if (!decoded.startsWith('/') && !/^[a-z][a-z0-9+.-]+:/i.test(path)) return decoded.replace(/^(\.\/)+/, '');
  // A URI is decoded by the storage, which knows its scheme; an absolute path was decoded here.
  const inside = storage.pathOf(decoded.startsWith('/') ? decoded : path);
  if (inside === undefined || inside === '') throw outside(path);
  return inside.startsWith(`${table_folder}/`) ? inside.slice(table_folder.length + 1) : `/${inside}`;
}

function percentDecoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // some writers do not encode a stray "%": then the path is what it says
  }
}

function outside(path: string): DataflowError {
  return new DataflowError(
    'E_LAKE_CORRUPT',
    `a log names a file outside its lake: ${JSON.stringify(path).slice(0, 200)}`,
    {
      hint: 'Only files inside the lake’s own folder are read; restore the table’s log.',
    },
  );
}

/** The path inside the lake of what {@link resolvePath} returned. */
export function lakePath(table_folder: string, resolved: string): string {
  return resolved.startsWith('/') ? resolved.slice(1) : `${table_folder}/${resolved}`;
}

/** A relative path as the log holds it. */
export function encodedPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The reverse of {@link encodedPath}. */
export function decodedPath(path: string): string {
  return path.split('/').map(decodeURIComponent).join('/');
}

const FOLDER_CHARS_MAX = 100;

/**
 * `column=value` as Hive names partition folders, escaped to plain ASCII and cut to a safe length: the folder is for people, the
 * log's `partitionValues` is what counts.
 */
export function partitionFolder(column: string, value: string | null | undefined): string {
  const missing = value === null || value === undefined || value === '';
  return `${hiveName(column)}=${missing ? '__HIVE_DEFAULT_PARTITION__' : hiveName(value)}`;
}

function hiveName(text: string): string {
  const escaped = encodeURIComponent(Buffer.from(text).toString()).replace(
    /[!'()*~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return escaped.slice(0, FOLDER_CHARS_MAX).replace(/%.?$/, '');
}
