import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { DocumentOptions, FormatInspector, InspectOptions } from '../../core/ports/format.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type Conversion, type Converted, inspectConverted } from '../stream/inspect-converted.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { KeptDocuments, type KeptResult, originalName } from './kept.ts';
import { installedVersion, packagesFor, readiness, requirePackages } from './packages.ts';
import type { DocumentReader } from './reader.ts';
import { withReader } from './reader-pool.ts';
import type { DocumentKind, Frame, PageReading, Reading } from './reading.ts';
import { type DocumentRecord, recordsOf } from './records.ts';
import { wholeDocument } from './whole/whole.ts';

const MEMORY_BYTES_MAX = 2_000_000_000;
/** Raised when the same bytes would be read otherwise than before. */
const WAY_OF_READING = '1';

/** Scanned documents, as NDJSON with a page (or a document) a line. What was read of them is kept by their hash, since reading is dear. */
export const inspector: FormatInspector = {
  inspect: (request, signal) => inspectConverted(request, signal, 'ndjson', convert),
  ready: async (options) => readiness(documentOptions(options).languages),
};

async function convert({ raw, facts, copy, request, signal }: Conversion): Promise<Converted> {
  const options = documentOptions(request.options);
  const parts: Buffer[] = [];
  for (let part = raw.next(); part !== undefined; part = raw.next()) parts.push(Buffer.from(part));
  const bytes = Buffer.concat(parts);
  const { kind, frames } = wholeDocument(bytes);
  refuseLarge(frames, options);
  const found = await resultOf({ bytes, kind, options, request, signal });
  for (const record of found.records) copy.write(`${JSON.stringify(record)}\n`);
  facts.expanded_bytes = bytes.length;
  return {
    records: found.records.length,
    first_record_line: 1,
    multiline_records: false,
    fields: Object.keys(found.records[0] ?? {}).map((name) => ({ name })),
    notes: [],
  };
}

interface Document extends Pick<Conversion, 'request' | 'signal'> {
  readonly bytes: Buffer;
  readonly kind: DocumentKind;
  readonly options: DocumentOptions;
}

/** Documents that are being read: one with the same bytes waits instead of being read once more. */
const under_way = new Map<string, Promise<unknown>>();

async function resultOf(document: Document): Promise<Pick<KeptResult, 'records'>> {
  const { bytes, request } = document;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `${request.kept_folder ?? ''}/${sha256}`;
  for (let same = under_way.get(key); same !== undefined; same = under_way.get(key)) await same.catch(() => undefined);
  const result = keptOrRead(document, sha256);
  under_way.set(key, result);
  try {
    return await result;
  } finally {
    under_way.delete(key);
  }
}

/** From what is kept, as far as it was read as it would be read today; the fields are looked for anew where their patterns changed. */
async function keptOrRead(document: Document, sha256: string): Promise<Pick<KeptResult, 'records'>> {
  const { bytes, kind, options, request } = document;
  requirePackages(kind, options.languages);
  const read_with = wayOfReading(kind, options);
  if (request.kept_folder === undefined) {
    const pages = await readPages(document, request.unit.uri);
    return { records: recordsOf({ read_with, pages }, sha256, options) };
  }
  const kept = new KeptDocuments(request.kept_folder);
  // Read is what is kept: nobody writes to it any more.
  const uri = await kept.original(sha256, kind, bytes);
  const before = await kept.result(sha256, read_with);
  const pages = before?.pages ?? (await readPages(document, uri));
  const records: readonly DocumentRecord[] = recordsOf({ read_with, pages }, sha256, options);
  if (before !== undefined && JSON.stringify(before.records) === JSON.stringify(records)) return before;
  faultPoint('before-document-kept');
  const result: KeptResult = {
    document: before?.document ?? request.unit.path,
    sha256,
    size_bytes: bytes.length,
    original: originalName(sha256, kind),
    records,
    read_with,
    pages,
  };
  await kept.put(result);
  faultPoint('after-document-kept');
  return result;
}

/** Page by page, each within its own limits. */
async function readPages({ kind, options, request, signal }: Document, uri: string): Promise<readonly PageReading[]> {
  const { languages, max_pages } = options;
  const memory_bytes_max = request.memory_bytes_max ?? MEMORY_BYTES_MAX;
  const limitsFor = (what: string): Parameters<DocumentReader['ask']>[1] => ({
    seconds_max: options.page_seconds_max,
    memory_bytes_max,
    what,
    option: 'page_seconds_max',
  });
  const places = { languages, at_once: request.threads ?? 1, temp_folder: request.temp_folder };
  return await withReader(places, async (reader) => {
    const { dpi, text_layer, max_pixels } = options;
    const name = request.unit.path;
    const asked = { kind: 'open', uri, name, document: kind, options: { dpi, text_layer, max_pixels } } as const;
    const { pages = 0 } = await reader.ask(asked, limitsFor('opening it'), signal);
    if (pages > max_pages)
      throw new UnitFault('expansion_limit', `it has ${pages} pages, more than ${max_pages} (max_pages)`);
    const read: PageReading[] = [];
    for (let page = 1; page <= pages; page++) {
      const answer = await reader.ask({ kind: 'page', page }, limitsFor(`page ${page}`), signal);
      if (answer.read !== undefined) read.push(answer.read);
    }
    return read;
  });
}

function refuseLarge(frames: readonly Frame[], { max_pixels, max_pages }: DocumentOptions): void {
  if (frames.length > max_pages)
    throw new UnitFault('expansion_limit', `it has ${frames.length} pages, more than ${max_pages} (max_pages)`);
  for (const [index, { width, height }] of frames.entries())
    if (width * height > max_pixels)
      throw new UnitFault(
        'expansion_limit',
        `page ${index + 1} has ${width} × ${height} pixels, more than ${max_pixels} (max_pixels)`,
      );
}

/** Everything besides the bytes that decides what is read. */
function wayOfReading(kind: DocumentKind, { languages, dpi, text_layer }: DocumentOptions): Reading['read_with'] {
  const versions = packagesFor(kind, languages).map((name) => [name, installedVersion(name)]);
  return {
    way: WAY_OF_READING,
    languages: languages.join('+'),
    ...Object.fromEntries(versions),
    ...(kind === 'pdf' ? { dpi: String(dpi), text_layer } : {}),
  };
}

function documentOptions({ document }: InspectOptions): DocumentOptions {
  if (document === undefined) throw new DataflowError('E_INTERNAL', 'nobody says how documents are read');
  return document;
}
