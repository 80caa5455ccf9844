import { type Action, actionProblem } from '../delta-actions.ts';
import { mapLevel } from './lazy-columns.ts';
import { type Chunk, isEmpty, visitTexts, visitValues } from './parquet-chunk.ts';

type Body = Record<string, unknown>;

/**
 * The actions of one kind in a row group, put together from their columns: 64-bit integers as numbers, absent members left out, as in JSON.
 * Members that we do not know may be anything.
 * @throws TypeError for an action that is none.
 */
export function actionsIn<K extends keyof Action>(
  kind: K,
  chunks: readonly Chunk[],
): readonly NonNullable<Action[K]>[] {
  const bodies = new Map<number, Body>();
  const bodyOf = (row: number): Body => {
    const body = bodies.get(row) ?? {};
    bodies.set(row, body);
    return body;
  };
  const [plain, repeated] = [false, true].map((one) => chunks.filter((c) => c.column.repetition_level > 0 === one));
  for (const chunk of plain ?? []) if (!isEmpty(chunk)) takeValues(chunk, bodyOf);
  if (bodies.size > 0) for (const chunk of repeated ?? []) takeEntries(chunk, chunks, bodies);
  const sorted = [...bodies].sort(([a], [b]) => a - b);
  return sorted.map(([row, body]) => {
    const problem = actionProblem({ [kind]: body });
    if (problem !== undefined) throw new TypeError(`row ${row}: ${problem}`);
    return body as NonNullable<Action[K]>;
  });
}

function takeValues(chunk: Chunk, bodyOf: (row: number) => Body): void {
  const take = (row: number, _: number, value: unknown): void => {
    if (value === undefined) return;
    put(bodyOf(row), namesOf(chunk), typeof value === 'bigint' ? Number(value) : value);
  };
  if (isText(chunk)) visitTexts(chunk, take);
  else visitValues(chunk, take);
}

/** A list, or the keys of a map together with its values. */
function takeEntries(chunk: Chunk, chunks: readonly Chunk[], bodies: ReadonlyMap<number, Body>): void {
  const path = chunk.path.map(({ element }) => element);
  const at = path.findIndex(({ repetition_type }) => repetition_type === 'REPEATED');
  const names = path.slice(2, at).map(({ name }) => name);
  const is_map = path[at]?.num_children === 2;
  if (is_map && path.at(-1)?.name !== chunk.path[at]?.children[0]?.element.name) return;
  const entries = new Map<number, [string, string | null][]>();
  const container = mapLevel(chunk);
  visitTexts(chunk, (row, definition, text) => {
    const body = bodies.get(row);
    if (body === undefined || definition < container) return;
    const known = entries.get(row) ?? [];
    entries.set(row, known);
    if (text !== undefined) known.push([text, null]);
  });
  if (is_map) fillValues(chunk, chunks, entries);
  for (const [row, list] of entries) {
    const body = bodies.get(row);
    if (body !== undefined) put(body, names, is_map ? Object.fromEntries(list) : list.map(([text]) => text));
  }
}

function fillValues(
  key: Chunk,
  chunks: readonly Chunk[],
  entries: ReadonlyMap<number, [string, string | null][]>,
): void {
  const value = chunks.find(
    (one) => one !== key && one.path.at(-2)?.path.join('.') === key.path.at(-2)?.path.join('.'),
  );
  if (value === undefined) throw new TypeError(`a map without values: ${key.name}`);
  let [last, next] = [-1, 0];
  visitTexts(value, (row, _, text) => {
    next = row === last ? next + 1 : 0;
    last = row;
    const entry = entries.get(row)?.[next];
    if (entry !== undefined) entry[1] = text ?? null;
  });
}

function put(body: Body, names: readonly string[], value: unknown): void {
  const [first = '', ...rest] = names;
  if (rest.length === 0) {
    body[first] = value;
    return;
  }
  const inner = (body[first] ?? {}) as Body;
  body[first] = inner;
  put(inner, rest, value);
}

/** Below the action itself. */
function namesOf({ path }: Chunk): readonly string[] {
  return path.slice(2).map(({ element }) => element.name);
}

function isText({ path }: Chunk): boolean {
  return path.at(-1)?.element.type === 'BYTE_ARRAY';
}
