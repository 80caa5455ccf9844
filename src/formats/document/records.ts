import type { DocumentOptions } from '../../core/ports/format.ts';
import { fieldsOf } from './fields.ts';
import { type PageReading, type Reading, rounded } from './reading.ts';

/** What one document or page becomes in the table. */
export type DocumentRecord = Readonly<Record<string, string | number | null>>;

/** More of a text does not go into a table; all of it is in the kept result. A rejected record is kept whole up to twice as much. */
const TEXT_CHARS_MAX = 30_000;

/** The records of a document: one for each page, or one for all. */
export function recordsOf(
  { pages }: Reading,
  sha256: string,
  { record, fields }: Pick<DocumentOptions, 'record' | 'fields'>,
): readonly DocumentRecord[] {
  if (record === 'document') return [recordOf({ pages: pages.length }, together(pages), sha256, fields)];
  return pages.map((page) => recordOf({ page: page.page }, page, sha256, fields));
}

function recordOf(
  place: DocumentRecord,
  page: Omit<PageReading, 'page'>,
  sha256: string,
  fields: DocumentOptions['fields'],
): DocumentRecord {
  const found = Object.entries(fieldsOf(page, fields));
  return {
    ...place,
    ...Object.fromEntries(found.map(([name, { value }]) => [name, value])),
    ...Object.fromEntries(found.map(([name, { confidence }]) => [`${name}_confidence`, confidence])),
    confidence: rounded(page.confidence),
    read_by: page.read_by,
    text: page.text.slice(0, TEXT_CHARS_MAX),
    sha256,
  };
}

/** All pages as one; as sure as its least sure page. Blank pages do not count beside others. */
function together(pages: readonly PageReading[]): Omit<PageReading, 'page'> {
  let text = '';
  const words: PageReading['words'][number][] = [];
  for (const page of pages) {
    const start = text === '' ? 0 : text.length + 2;
    text += text === '' ? page.text : `\n\n${page.text}`;
    for (const word of page.words) words.push({ ...word, at: start + word.at });
  }
  const written = pages.filter((page) => page.text !== '');
  return {
    read_by: pages.some((page) => page.read_by === 'ocr') ? 'ocr' : 'text layer',
    confidence: written.length === 0 ? 0 : Math.min(...written.map((page) => page.confidence)),
    text,
    words,
  };
}
