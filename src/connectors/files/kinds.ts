import type { ConvertedFormat, InputUnit } from '../../core/ports/source.ts';
import type { FoundOptions } from './options.ts';

type Format = InputUnit['format'];
type FileFormat = Format | ConvertedFormat;
type Compression = InputUnit['compression'];

const FORMATS: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  xlsx: 'xlsx',
  xml: 'xml',
  avro: 'avro',
};
/** What the copy of such a file is. */
const COPIES: Readonly<Record<ConvertedFormat, Format>> = {
  xlsx: 'ndjson',
  fixed: 'csv',
  xml: 'ndjson',
  avro: 'ndjson',
  document: 'ndjson',
};
const COMPRESSIONS: Readonly<Record<string, Compression>> = { gz: 'gzip', zst: 'zstd' };

type Kind = Pick<InputUnit, 'format' | 'made_from' | 'compression'>;

/** Format and compression by the file's name; what the options state wins. The format is undefined when neither says. */
export function kindOf(
  path: string,
  options: Pick<FoundOptions, 'format' | 'compression'>,
): Omit<Kind, 'format'> & { readonly format: Format | undefined } {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const parts = name.split('.');
  const last = parts.length > 1 ? (parts.at(-1) ?? '') : '';
  const packed = Object.hasOwn(COMPRESSIONS, last) ? COMPRESSIONS[last] : undefined;
  const inner = packed === undefined ? last : parts.length > 2 ? (parts.at(-2) ?? '') : '';
  const format = options.format ?? (Object.hasOwn(FORMATS, inner) ? FORMATS[inner] : undefined);
  const compression = options.compression === 'auto' ? (packed ?? 'none') : options.compression;
  if (format === undefined || !isConverted(format)) return { format, compression };
  return { format: COPIES[format], made_from: format, compression };
}

function isConverted(format: FileFormat): format is ConvertedFormat {
  return Object.hasOwn(COPIES, format);
}
