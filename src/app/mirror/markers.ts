import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MarkedTable, ReleaseMarker } from '../../core/model/mirror.ts';
import { asInteger, asObject, asText, NoteProblem } from '../../core/model/note-fields.ts';
import type { FarFile, FarStorage } from '../../core/ports/far-storage.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';

/**
 * Release markers are the far lake's own list of releases (`_dataflow/releases/`): the same files as in a lake of this machine, with what is
 * needed to check and restore the tables that they name.
 */
const FOLDER = '_dataflow/releases';
const NAME = /^_dataflow\/releases\/(\d{20})\.json$/;
const FORMAT = 1;
const MARKER_BYTES_MAX = 16 * 1024 * 1024;

export function markerPath(number: number): string {
  return `${FOLDER}/${String(number).padStart(20, '0')}.json`;
}

/** The number of a marker, if the file is one. */
export function markerNumber({ path }: Pick<FarFile, 'path'>): number | undefined {
  const digits = NAME.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** @param released versions of tables that the release names; of rejected rows later versions may be mirrored. */
export function markerBytes(marker: ReleaseMarker, released: ReleaseRecord['tables']): Buffer {
  const { number: _, tables: mirrored, ...record } = marker;
  const tables = Object.fromEntries(Object.entries(released).filter(([key]) => mirrored[key] !== undefined));
  return Buffer.from(`${JSON.stringify({ format: FORMAT, ...record, tables, mirrored }, null, 1)}\n`);
}

/** @throws DataflowError E_FAR_CHANGED when it is damaged, E_LEDGER_NEWER for a later format */
export async function readMarker(
  far: FarStorage,
  number: number,
  signal: AbortSignal,
): Promise<ReleaseMarker | undefined> {
  const path = markerPath(number);
  const found = await far.read({ path, signal });
  if (found === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of found.chunks) {
    bytes += chunk.length;
    if (bytes > MARKER_BYTES_MAX) throw damaged(far, path, 'it is too large');
    chunks.push(Buffer.from(chunk));
  }
  try {
    const fields = asObject(JSON.parse(Buffer.concat(chunks).toString('utf8')), 'marker');
    if (asInteger(fields['format'], 'format') > FORMAT)
      throw new DataflowError('E_LEDGER_NEWER', `${far.name}/${path} was written by a newer dataflow`);
    const mirrored = Object.entries(asObject(fields['mirrored'], 'mirrored'));
    return {
      number,
      release_id: asText(fields['release_id'], 'release_id'),
      run_id: asText(fields['run_id'], 'run_id'),
      created_at: asText(fields['created_at'], 'created_at'),
      tables: Object.fromEntries(mirrored.map(([key, value]) => [key, tableFrom(value, key)])),
    };
  } catch (error) {
    if (!(error instanceof NoteProblem) && !(error instanceof SyntaxError)) throw error;
    throw damaged(far, path, error.message);
  }
}

function tableFrom(value: unknown, at: string): MarkedTable {
  const o = asObject(value, at);
  return {
    version: asInteger(o['version'], `${at}.version`),
    folder: asText(o['folder'], `${at}.folder`),
    files: asInteger(o['files'], `${at}.files`),
    size_bytes: asInteger(o['size_bytes'], `${at}.size_bytes`),
    entry_sha256: asText(o['entry_sha256'], `${at}.entry_sha256`),
  };
}

function damaged(far: FarStorage, path: string, why: string): DataflowError {
  return new DataflowError('E_FAR_CHANGED', `the release marker ${far.name}/${path} is damaged: ${why}`, {
    hint: 'Remove it: the next sync writes another one.',
  });
}
