import type { InputUnit } from '../../core/ports/source.ts';
import type { FilesOptions } from './options.ts';

type Format = InputUnit['format'];
type Compression = InputUnit['compression'];

const FORMATS: Readonly<Record<string, Format>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
};
const COMPRESSIONS: Readonly<Record<string, Compression>> = { gz: 'gzip', zst: 'zstd' };

/** Format and compression by the file's name; what the options state wins. The format is undefined when neither says. */
export function kindOf(
  path: string,
  options: Pick<FilesOptions, 'format' | 'compression'>,
): { readonly format: Format | undefined; readonly compression: Compression } {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const parts = name.split('.');
  const last = parts.length > 1 ? (parts.at(-1) ?? '') : '';
  const packed = Object.hasOwn(COMPRESSIONS, last) ? COMPRESSIONS[last] : undefined;
  const inner = packed === undefined ? last : parts.length > 2 ? (parts.at(-2) ?? '') : '';
  const format = options.format ?? (Object.hasOwn(FORMATS, inner) ? FORMATS[inner] : undefined);
  return { format, compression: options.compression === 'auto' ? (packed ?? 'none') : options.compression };
}
