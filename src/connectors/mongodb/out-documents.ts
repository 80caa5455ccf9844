import type { BSON as Bson, Document } from 'mongodb';
import type { Column } from '../../core/model/table.ts';
import type { OutRows, RefusedOutRow, SinkTable } from '../../core/ports/sink.ts';
import { textLines } from '../../kit/text-lines.ts';
import { type BsonColumn, bsonColumn, Unfit } from './bson-columns.ts';

/** What a collection takes at most, and how much of a line may become of it without a closer look. */
export const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;
const LOOK_BYTES = 4 * 1024 * 1024;

const LINE_BYTES_MAX = 1 << 29;

/** Documents for one command. */
export interface Batch {
  readonly documents: readonly Document[];
  /** Of the text that they were made of; as documents they are about as large. */
  readonly size_bytes: number;
}

/** Keys for one command. */
export interface KeyBatch {
  readonly ids: readonly unknown[];
  readonly size_bytes: number;
}

export interface MakeOptions {
  readonly bson: typeof Bson;
  readonly table: SinkTable;
  /** Rows without key are told apart by what brought them and their number in it. */
  readonly brought_by: Document;
  readonly documents_max: number;
  readonly bytes_max: number;
  readonly refuse: (refused: RefusedOutRow) => void;
}

/** The rows as documents, in batches. */
export function outDocuments(rows: OutRows, options: MakeOptions): AsyncGenerator<Batch, void, void> {
  const { table, bson, brought_by } = options;
  const columns = table.columns.map((column) => bsonColumn(column, bson));
  const key = keyColumns(table, columns);
  let number = 0;
  const make = (line: Readonly<Record<string, unknown>>): Document => {
    number += 1;
    const values = columns.map(({ decode, name }, index) => decoded(decode, line[`c${index}`], name));
    const document: Document = { _id: null };
    for (const [index, { name }] of columns.entries()) document[name] = values[index];
    document['_id'] = key.length === 0 ? { ...brought_by, n: number } : idOf(key, (index) => values[index]);
    return document;
  };
  return batches(rows, columns, make, options);
}

/** The `_id`s of keys that are gone, in batches. */
export async function* outKeys(gone: OutRows, options: MakeOptions): AsyncGenerator<KeyBatch, void, void> {
  const { table, bson } = options;
  const columns = keysFirst(table).map((column) => bsonColumn(column, bson));
  const key = columns.map(({ name }, index) => ({ name, index }));
  const make = (line: Readonly<Record<string, unknown>>): Document => {
    const values = columns.map(({ decode, name }, index) => decoded(decode, line[`c${index}`], name));
    return { _id: idOf(key, (index) => values[index]) };
  };
  for await (const { documents, size_bytes } of batches(gone, columns, make, options))
    yield { ids: documents.map((document) => document['_id'] as unknown), size_bytes };
}

function keysFirst({ key, columns }: SinkTable): readonly Column[] {
  return key.flatMap((name) => columns.find((column) => column.name === name) ?? []);
}

type KeyPlace = { readonly name: string; readonly index: number };

function keyColumns({ key }: SinkTable, columns: readonly BsonColumn[]): readonly KeyPlace[] {
  return key.map((name) => ({ name, index: columns.findIndex((column) => column.name === name) }));
}

/** One column: its value. Several: a document of them, in the order of the key. */
function idOf(key: readonly KeyPlace[], valueAt: (index: number) => unknown): unknown {
  const [only, ...others] = key;
  if (only !== undefined && others.length === 0) return valueAt(only.index);
  return Object.fromEntries(key.map(({ name, index }) => [name, valueAt(index)]));
}

function decoded(decode: BsonColumn['decode'], value: unknown, name: string): unknown {
  try {
    return decode(value);
  } catch (error) {
    throw error instanceof Unfit ? new Unfit(`${name}: ${error.message}`) : error;
  }
}

async function* batches(
  rows: OutRows,
  columns: readonly BsonColumn[],
  make: (line: Readonly<Record<string, unknown>>) => Document,
  { bson, documents_max, bytes_max, refuse }: MakeOptions,
): AsyncGenerator<Batch, void, void> {
  const select = columns.map(({ sql }, index) => ({ name: `c${index}`, sql }));
  let documents: Document[] = [];
  let size_bytes = 0;
  for await (const line of textLines(rows.bytes({ format: 'ndjson', select }), LINE_BYTES_MAX)) {
    try {
      const document = make(JSON.parse(line) as Record<string, unknown>);
      if (line.length > LOOK_BYTES && bson.calculateObjectSize(document) > DOCUMENT_BYTES_MAX)
        throw new Unfit('the document is larger than 16 MB');
      documents.push(document);
      size_bytes += line.length;
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      refuse({ reason: error.message, row: namedLine(line, columns) });
    }
    if (documents.length < documents_max && size_bytes < bytes_max) continue;
    yield { documents, size_bytes };
    [documents, size_bytes] = [[], 0];
  }
  if (documents.length > 0) yield { documents, size_bytes };
}

/** The line with the names of the columns. */
function namedLine(line: string, columns: readonly BsonColumn[]): string {
  const found = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify(Object.fromEntries(columns.map(({ name }, index) => [name, found[`c${index}`] ?? null])));
}
