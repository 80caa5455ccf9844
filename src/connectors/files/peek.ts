import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FormatInspector, FormatInspectors, InspectRequest } from '../../core/ports/format.ts';
import type { InputUnit, Inspection } from '../../core/ports/source.ts';
import { timeSortedId } from '../../kit/ids.ts';

const HEAD_BYTES = 1 << 20;
/** How much of a file is read to start the engine on it: the larger the file, the more it costs when its rest is laid out otherwise. */
const PEEKED = 1 / 32;
const PEEK_BYTES_MIN = 64 << 10;
const PARQUET_BYTES_MAX = 32 << 20;
const LF = 0x0a;

/**
 * How the beginning of a plain CSV file of some size says that the file is laid out: enough to start the engine on it while the whole is being
 * inspected. Undefined whenever the beginning alone does not tell.
 */
export async function peekCsv(
  inspector: FormatInspector,
  request: InspectRequest,
  signal: AbortSignal | undefined,
): Promise<Inspection | undefined> {
  const { unit } = request;
  if (
    unit.format !== 'csv' ||
    unit.made_from !== undefined ||
    unit.compression !== 'none' ||
    unit.size_bytes <= HEAD_BYTES
  )
    return undefined;
  const bytes = Math.min(HEAD_BYTES, Math.max(PEEK_BYTES_MIN, Math.ceil(unit.size_bytes * PEEKED)));
  const seen = await inspectHead(inspector, request, bytes, signal);
  return seen?.problem === undefined && seen?.decoded_uri === undefined ? seen : undefined;
}

/**
 * Which columns a file seems to have, from so much of it as is quickly read: all of a small file or of a Parquet file that is not large, the
 * beginning of a plain CSV or NDJSON file. Undefined when that does not tell.
 */
export async function lookAtColumns(
  inspectors: FormatInspectors,
  request: InspectRequest,
  signal: AbortSignal | undefined,
): Promise<Inspection | undefined> {
  const { unit } = request;
  const whole_bytes_max = unit.format === 'parquet' ? PARQUET_BYTES_MAX : HEAD_BYTES;
  if (unit.size_bytes <= whole_bytes_max)
    return await inspectors[unit.made_from ?? unit.format].inspect(request, signal);
  if (unit.made_from !== undefined) return undefined;
  if (unit.compression !== 'none' || unit.format === 'json' || unit.format === 'parquet') return undefined;
  return await inspectHead(inspectors[unit.format], request, HEAD_BYTES, signal);
}

async function inspectHead(
  inspector: FormatInspector,
  request: InspectRequest,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Inspection | undefined> {
  const { unit } = request;
  const head = readHead(unit.uri, bytes);
  const end = head.lastIndexOf(LF);
  if (end < 0) return undefined;
  const copy = join(request.temp_folder, `peek-${timeSortedId()}.${unit.format}`);
  try {
    writeFileSync(copy, head.subarray(0, end + 1), { mode: 0o600 });
    const part: InputUnit = { ...unit, uri: copy, size_bytes: end + 1 };
    return await inspector.inspect({ ...request, unit: part }, signal);
  } finally {
    rmSync(copy, { force: true });
  }
}

function readHead(file: string, bytes: number): Buffer {
  const head = Buffer.alloc(bytes);
  const handle = openSync(file, 'r');
  try {
    return head.subarray(0, readSync(handle, head, 0, bytes, 0));
  } finally {
    closeSync(handle);
  }
}
