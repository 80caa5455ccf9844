import type { ArchiveKind, ConvertedFormat, InputUnit } from '../../core/ports/source.ts';
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

const ARCHIVE = /\.(zip|tar|tar\.gz|tgz)$/i;
const ARCHIVES: Readonly<Record<string, ArchiveKind>> = { zip: 'zip', tar: 'tar', 'tar.gz': 'tar.gz', tgz: 'tar.gz' };
/** Endings of other archives, which are never looked into. */
const OTHER_ARCHIVE = /\.(?:7z|rar|tar\.(?:bz2|xz|zst)|tbz2?|txz|tzst|jar|iso|cpio)$/i;
const LAST_LETTERS = 'pPrRzZ';

/** The kind of archive by the file's name; undefined for other files. */
export function archiveKindOf(path: string): ArchiveKind | undefined {
  // Asked for each file of a source, so the last letter decides first.
  if (!LAST_LETTERS.includes(path.at(-1) ?? ' ')) return undefined;
  return ARCHIVES[ARCHIVE.exec(path)?.[1]?.toLowerCase() ?? ''];
}

/** True for a member that is an archive itself. */
export function isArchive(name: string): boolean {
  return archiveKindOf(name) !== undefined || OTHER_ARCHIVE.test(name);
}

function isConverted(format: FileFormat): format is ConvertedFormat {
  return Object.hasOwn(COPIES, format);
}
