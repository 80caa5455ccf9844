import type { Document } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type MongodbOptions, overlapOf } from './options.ts';
import type { Reach } from './session.ts';

/** The kinds of values that a cursor can follow; in a collection that mixes them, all but the first found are strays. */
export type CursorKind = 'date' | 'objectId' | 'number' | 'string';
const KINDS: readonly CursorKind[] = ['date', 'objectId', 'number', 'string'];

/** A field that is followed. */
export interface CursorField {
  readonly field: string;
  readonly kind: CursorKind;
  /** Ms, or a number; 0: only what has the highest value is read again. */
  readonly overlap: number;
}

/** The field with its kind, as the collection has it; undefined when no document has a value that can be followed. */
export async function cursorField(
  reach: Reach,
  options: MongodbOptions,
  known?: CursorKind,
): Promise<CursorField | undefined> {
  const { cursor } = options;
  if (cursor === undefined) throw new DataflowError('E_INTERNAL', 'a cursor that is not configured');
  const kind = known ?? (await kindOf(reach, cursor.field, options));
  if (kind === undefined) return undefined;
  if (kind === 'string') {
    if (cursor.overlap === undefined || cursor.overlap === 0) return { field: cursor.field, kind, overlap: 0 };
    throw new DataflowError('E_SOURCE_CURSOR', `cursor ${cursor.field} holds text, which has no overlap`, {
      hint: 'An overlap needs dates, ObjectIds or numbers; with text set `overlap: 0`.',
    });
  }
  const overlap = overlapOf(cursor.overlap, kind === 'number' ? 'number' : 'time');
  if (overlap === undefined) {
    const example = kind === 'number' ? 'a number such as 1000' : 'a duration such as 5m';
    throw new DataflowError('E_SOURCE_CURSOR', `the overlap of cursor ${cursor.field} (${kind}) has to be ${example}`);
  }
  return { field: cursor.field, kind, overlap };
}

async function kindOf({ collection }: Reach, field: string, options: MongodbOptions): Promise<CursorKind | undefined> {
  const projection = { _id: 1 };
  for (const kind of KINDS) {
    const found = await collection.findOne(
      { [field]: { $type: kind } },
      { projection, maxTimeMS: options.timeout_s * 1000 },
    );
    if (found !== null) return kind;
  }
  return undefined;
}

/** The highest value that is not in the future. Values are EJSON-able: as the driver gives them without promotion. */
export async function highest(
  reach: Reach,
  cursor: CursorField,
  filter: Document,
  timeout_ms: number,
): Promise<unknown> {
  const { BSON } = await import('mongodb');
  const latest =
    cursor.kind === 'date'
      ? { $lte: new Date() }
      : cursor.kind === 'objectId'
        ? { $lte: new BSON.ObjectId(idTime(Date.now() + 1000).padEnd(24, 'f')) }
        : {};
  const bounded = { $and: [filter, { [cursor.field]: { $type: cursor.kind, ...latest } }] };
  const found = await reach.collection.findOne(bounded, {
    sort: { [cursor.field]: -1 },
    projection: { [cursor.field]: 1 },
    promoteValues: false,
    maxTimeMS: timeout_ms,
  });
  return found === null ? undefined : valueAt(found, cursor.field);
}

/** The value at a dotted path. */
export function valueAt(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) value = (value as Document | null | undefined)?.[name];
  return value;
}

/** Where the next round begins to read again: without an overlap at the value itself, which later documents may have too. */
export async function lowerBy(value: unknown, { kind, overlap }: CursorField): Promise<unknown> {
  if (overlap === 0) return value;
  const { BSON } = await import('mongodb');
  switch (kind) {
    case 'date':
      return new Date((value as Date).getTime() - overlap);
    case 'objectId': {
      const at = Number.parseInt(String(value).slice(0, 8), 16) * 1000 - overlap;
      return new BSON.ObjectId(idTime(Math.max(at, 0)).padEnd(24, '0'));
    }
    case 'number': {
      if (value instanceof BSON.Long) return value.subtract(overlap);
      if (value instanceof BSON.Decimal128)
        return BSON.Decimal128.fromString(String(Number(value.toString()) - overlap));
      return new BSON.Double(Number(value) - overlap);
    }
    default:
      return value;
  }
}

/** The first eight hex digits of ObjectIds of that second. */
function idTime(ms: number): string {
  return Math.floor(ms / 1000)
    .toString(16)
    .padStart(8, '0')
    .slice(0, 8);
}
