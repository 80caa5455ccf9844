import type { Document } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Position, PullContext } from '../../core/ports/pulled-source.ts';
import { TAKEN_ROWS_MAX } from '../../kit/taken-rows.ts';
import { type CursorField, type CursorKind, cursorField, highest, lowerBy } from './cursor-values.ts';
import type { MongodbOptions } from './options.ts';
import type { Reach } from './session.ts';

/** A round that has begun; values of cursors and ids are canonical extended JSON as text. */
export interface Round {
  readonly kind: CursorKind | null;
  readonly upto: string | null;
  readonly low: string | null;
  /** `strays`: documents whose cursor is missing, of another kind, or in the future; `line`: all others in order. */
  readonly section: 'strays' | 'line';
  /** Cursor (null among strays) and `_id` of the last document that was taken. */
  readonly after: readonly [cursor: string | null, id: string] | null;
  readonly taken: string;
  readonly strays: boolean;
}

/** Where a collection that is read by cursor stands. */
export interface ChangesPosition {
  readonly kind: CursorKind | null;
  readonly upto: string | null;
  readonly low: string | null;
  readonly taken: string;
  readonly strays: boolean;
  readonly rounds: number;
  readonly units: number;
  readonly round: Round | null;
}

const BEGINNING: ChangesPosition = {
  kind: null,
  upto: null,
  low: null,
  taken: '',
  strays: false,
  rounds: 0,
  units: 0,
  round: null,
};

export function changesPosition(position: Position | undefined): ChangesPosition {
  return { ...BEGINNING, ...(position as Partial<ChangesPosition> | undefined) };
}

export type Codec = typeof import('mongodb').BSON;

/** The bounds of a new round. @throws DataflowError E_SOURCE_CURSOR when too many documents would have to be remembered. */
export async function beginRound(
  reach: Reach,
  options: MongodbOptions,
  filter: Document,
  last: ChangesPosition,
  codec: Codec,
  note: PullContext['note'],
): Promise<Round> {
  const cursor = await cursorField(reach, options, last.kind ?? undefined);
  const base: Round = {
    kind: cursor?.kind ?? null,
    upto: null,
    low: null,
    section: 'strays',
    after: null,
    taken: '',
    strays: false,
  };
  const top = cursor === undefined ? undefined : await highest(reach, cursor, filter, options.timeout_s * 1000);
  const remember = (round: Round) => tooMany(reach, options, filter, round, codec);
  if (cursor === undefined || top === undefined) {
    const round = last.upto === null ? base : { ...base, kind: last.kind, upto: last.upto, low: last.low };
    if (await remember(round)) throw tooManyError(options);
    return round;
  }
  const round = { ...base, ...(await boundsOf(top, cursor, last, codec)) };
  if (!(await remember(round))) return round;
  // Without an overlap the value at the edge alone would be read again; where too many have it, the line goes on behind them.
  const behind = { ...round, low: null };
  if (cursor.overlap > 0 || round.low === null || (await remember(behind))) throw tooManyError(options);
  note(
    `${options.collection}: more than ${TAKEN_ROWS_MAX.toLocaleString('en')} documents have the highest ${cursor.field}; any that come later with the same value are not seen`,
  );
  return behind;
}

/** How far a round goes and where the next one begins. What is highest never falls back, though its document may be gone. */
async function boundsOf(
  top: unknown,
  cursor: CursorField,
  last: ChangesPosition,
  codec: Codec,
): Promise<Pick<Round, 'upto' | 'low'>> {
  const text = (value: unknown): string => codec.EJSON.stringify(value, { relaxed: false });
  const before: unknown = last.upto === null ? undefined : codec.EJSON.parse(last.upto, { relaxed: false });
  const moved = isBeyond(top, before);
  const upto = moved ? top : before;
  // What has the value at the edge was not remembered when `low` was null, so it cannot be told apart.
  const low = cursor.overlap === 0 && !moved ? last.low : text(await lowerBy(upto, cursor));
  return { upto: text(upto), low };
}

/** More would have to be remembered than can be. */
async function tooMany(
  { collection }: Reach,
  options: MongodbOptions,
  filter: Document,
  round: Round,
  codec: Codec,
): Promise<boolean> {
  const field = options.cursor?.field ?? '_id';
  const low =
    round.low === null ? undefined : { [field]: { $gte: codec.EJSON.parse(round.low, { relaxed: false }) as unknown } };
  const again = low === undefined ? [isStray(field, round, codec)] : [isStray(field, round, codec), low];
  const count = await collection.countDocuments(
    { $and: [filter, { $or: again }] },
    { limit: TAKEN_ROWS_MAX + 1, maxTimeMS: options.timeout_s * 1000 },
  );
  return count > TAKEN_ROWS_MAX;
}

function tooManyError({ collection, cursor }: MongodbOptions): DataflowError {
  return new DataflowError(
    'E_SOURCE_CURSOR',
    `more than ${TAKEN_ROWS_MAX.toLocaleString('en')} documents of ${collection} lie within the overlap of cursor ${cursor?.field ?? '_id'}, or have no value there that can be followed`,
    {
      hint: 'Shorten the overlap or set `overlap: 0`, or follow the collection with `change_stream: true`.',
    },
  );
}

/** Documents that the line of the cursor does not reach. */
export function isStray(field: string, { kind, upto }: Pick<Round, 'kind' | 'upto'>, codec: Codec): Document {
  if (kind === null || upto === null) return {};
  const value: unknown = codec.EJSON.parse(upto, { relaxed: false });
  return { $or: [{ [field]: { $not: { $type: kind } } }, { [field]: { $type: kind, $gt: value } }] };
}

/** `value` > `bound` (or, `orSame`, ≥) for values of one kind; true when there is no bound. */
export function isBeyond(value: unknown, bound: unknown, orSame = false): boolean {
  if (bound === undefined) return true;
  const [one, other] = [comparable(value), comparable(bound)];
  return orSame ? one >= other : one > other; // Not `===`: a number of 64 bits may equal a double.
}

function comparable(value: unknown): number | bigint | string {
  if (value instanceof Date) return value.getTime();
  const { _bsontype: type } = (value ?? {}) as { readonly _bsontype?: string };
  if (type === 'Long') return BigInt(String(value));
  if (type === 'ObjectId') return String(value);
  if (typeof value === 'string') return value;
  return Number(String(value));
}
