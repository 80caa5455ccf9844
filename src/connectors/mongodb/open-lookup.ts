import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Lookup, LookupReply } from '../../core/ports/lookup.ts';
import { type BsonElement, elementsOf, TYPE } from './bson-values.ts';
import { type MongodbConnection, placeOf } from './connection.ts';
import { plainJson } from './json-text.ts';
import type { MongodbLookupOptions } from './lookup-options.ts';
import { type Reach, reach } from './session.ts';

const KEYS_MAX = 1_000;

/** Finds documents by their keys, many at once. Each question signs in anew. */
export function openMongodbLookup(options: MongodbLookupOptions, connection: MongodbConnection): Lookup {
  const many: NonNullable<Lookup['many']> = {
    keys_max: KEYS_MAX,
    ask: (keys, wanted, context) =>
      reach(connection, options, context, (reached) => repliesTo(reached, options, keys, wanted)),
  };
  return {
    many,
    ask: async (key, wanted, context) => {
      const [reply] = await many.ask([key], wanted, context);
      return reply ?? { kind: 'refused', reason: `${options.collection} does not answer` };
    },
    probe: (_known, _wanted, context) =>
      reach(connection, options, context, async ({ facts }) => ({
        ok: true,
        words: `MongoDB ${facts.version} at ${placeOf(connection)}: ${options.collection} can be read`,
      })),
    close: async () => undefined,
  };
}

type Key = Readonly<Record<string, string>>;

/** @throws DataflowError E_LOOKUP_AMBIGUOUS when two documents have the same key. */
async function repliesTo(
  { collection }: Reach,
  { collection: name, on }: MongodbLookupOptions,
  keys: readonly Key[],
  wanted: readonly string[],
): Promise<readonly LookupReply[]> {
  const fields = Object.values(on);
  const texts = keys.map((key) => Object.keys(on).map((column) => key[column] ?? ''));
  const replies: LookupReply[] = keys.map(() => ({ kind: 'refused', reason: `${name} has no document for it` }));
  if (keys.length === 0) return replies;
  const places = new Map(texts.map((one, index) => [JSON.stringify(one), index]));
  const { Long, ObjectId } = await import('mongodb');
  const candidates = (text: string): unknown[] => [
    text,
    ...(/^-?\d{1,18}$/.test(text) ? [Long.fromString(text)] : []),
    ...(/^[0-9a-f]{24}$/.test(text) ? [ObjectId.createFromHexString(text)] : []),
    ...(text === 'true' || text === 'false' ? [text === 'true'] : []),
  ];
  const [only = ''] = fields;
  const filter =
    fields.length === 1
      ? { [only]: { $in: texts.flatMap(([text = '']) => candidates(text)) } }
      : {
          $or: texts.map((one) =>
            Object.fromEntries(fields.map((field, i) => [field, { $in: candidates(one[i] ?? '') }])),
          ),
        };
  const projection = Object.fromEntries([['_id', 0], ...[...fields, ...wanted].map((field) => [field, 1])]);
  const found = new Set<number>();
  for await (const document of collection.find(filter as never, { projection, raw: true })) {
    const bytes = document as unknown as Buffer;
    const key = fields.map((field) => keyText(valueAt(bytes, field)));
    const index = places.get(JSON.stringify(key));
    if (index === undefined) continue; // a list with the key in it, or a number of another kind
    if (found.has(index))
      throw new DataflowError('E_LOOKUP_AMBIGUOUS', `${name} has several documents for ${key.join(', ')}`);
    found.add(index);
    replies[index] = replyOf(bytes, wanted);
  }
  return replies;
}

function replyOf(bytes: Buffer, wanted: readonly string[]): LookupReply {
  const values: (string | null)[] = [];
  for (const place of wanted) {
    const value = valueAt(bytes, place);
    if (value === undefined) return { kind: 'refused', reason: `its document has no ${place}` };
    if (value.type === TYPE.document || value.type === TYPE.array)
      return { kind: 'refused', reason: `${place} of its document is no single value` };
    values.push(textOf(value));
  }
  return { kind: 'answer', values };
}

/** The value at a path such as `address.city`. */
function valueAt(bytes: Buffer, path: string): BsonElement | undefined {
  let elements = elementsOf(bytes);
  const steps = path.split('.');
  for (const [depth, step] of steps.entries()) {
    const element = elements.find(({ name }) => name === step);
    if (element === undefined || depth === steps.length - 1) return element;
    if (element.type !== TYPE.document) return undefined;
    elements = elementsOf(element.bytes, element.at);
  }
  return undefined;
}

function textOf(value: BsonElement): string | null {
  const json = plainJson(value);
  return json === 'null' ? null : json.startsWith('"') ? String(JSON.parse(json)) : json;
}

/** Numbers that are whole are the same whatever kind of number they are. */
function keyText(value: BsonElement | undefined): string | null {
  const text = value === undefined ? null : textOf(value);
  return value?.type === TYPE.double ? (text?.replace(/\.0$/, '') ?? null) : text;
}
