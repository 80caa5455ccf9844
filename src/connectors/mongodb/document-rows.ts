import { type BsonElement, type BsonValue, elementsOf, TYPE, UnreadableBson } from './bson-values.ts';
import { canonicalDocument, plainJson } from './json-text.ts';
import type { MongodbOptions } from './options.ts';

type Shape = Pick<MongodbOptions, 'nested' | 'document'>;

/** A member of a row: column and JSON text. */
type Member = readonly [name: string, json: string];

/**
 * The rows of one document: one, or one for each element of the list that is unwound (one without it where there is none). Each is a line of
 * NDJSON. @throws UnreadableBson for a document that cannot be a row: two of its fields would be the same column, or a text is not UTF-8.
 */
export function documentRows(bytes: Buffer, shape: Shape, first: readonly Member[] = []): readonly string[] {
  const unwind = typeof shape.nested === 'object' ? shape.nested.unwind : undefined;
  const members: Member[] = [...first];
  const list = addMembers(members, elementsOf(bytes), '', shape.nested === 'json' ? 'json' : 'flatten', unwind);
  if (shape.document) members.push(['_document', JSON.stringify(canonicalDocument(bytes))]);
  if (unwind === undefined) return [line(members)];
  const elements = list === undefined ? [] : elementsOf(list.bytes, list.at);
  if (elements.length === 0) return [line([...members, ['_index', 'null']])];
  return elements.map((element, index) => {
    const row: Member[] = [...members];
    addValue(row, element, columnOf(unwind), 'flatten');
    return line([...row, ['_index', String(index)]]);
  });
}

/** Adds what elements say to a row; gives back the list at the path `unwind`, which is left out. */
function addMembers(
  members: Member[],
  elements: readonly BsonElement[],
  prefix: string,
  nested: 'json' | 'flatten',
  unwind: string | undefined,
): BsonValue | undefined {
  let list: BsonValue | undefined;
  for (const element of elements) {
    const path = `${prefix}${element.name}`;
    if (path === unwind && element.type === TYPE.array) list = element;
    else if (nested === 'flatten' && element.type === TYPE.document)
      list = addMembers(members, elementsOf(element.bytes, element.at), `${path}.`, nested, unwind) ?? list;
    else addValue(members, element, columnOf(path), nested);
  }
  return list;
}

function addValue(members: Member[], value: BsonValue, column: string, nested: 'json' | 'flatten'): void {
  if (nested === 'flatten' && value.type === TYPE.document) {
    for (const element of elementsOf(value.bytes, value.at))
      addValue(members, element, `${column}_${columnOf(element.name)}`, nested);
    return;
  }
  const json = plainJson(value);
  const isNested = value.type === TYPE.document || value.type === TYPE.array;
  members.push([column, isNested ? JSON.stringify(json) : json]);
}

/** `a.b` is the column `a_b`. */
function columnOf(path: string): string {
  return path.replaceAll('.', '_');
}

function line(members: readonly Member[]): string {
  const seen = new Set<string>();
  for (const [name] of members) {
    if (seen.has(name)) throw new UnreadableBson(`two of its fields would be the column ${name}`);
    seen.add(name);
  }
  return `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}\n`;
}
