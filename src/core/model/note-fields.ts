/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A field of a stored note is not what it should be; the message says which and how. */
export class NoteProblem extends Error {}

type Reader<T> = (value: unknown, at: string) => T;

/** Reads an optional field under a (possibly other) name; absent or null gives no property at all. */
export function field<K extends string, T>(
  object: JsonObject,
  from: string,
  to: K,
  read: Reader<T>,
  within?: string,
): { readonly [P in K]?: T } {
  const value = Object.hasOwn(object, from) ? object[from] : undefined;
  if (value === undefined || value === null) return {};
  return { [to]: read(value, within === undefined ? from : `${within}.${from}`) } as { readonly [P in K]?: T };
}

export function asObject(value: unknown, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw problem(at, 'an object', value);
  return value as JsonObject;
}

export function asText(value: unknown, at: string): string {
  if (typeof value !== 'string') throw problem(at, 'text', value);
  return value;
}

export function asBoolean(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw problem(at, 'true or false', value);
  return value;
}

export function asNumber(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw problem(at, 'a number', value);
  return value;
}

export function asInteger(value: unknown, at: string): number {
  if (!Number.isSafeInteger(value)) throw problem(at, 'a whole number', value);
  return value as number;
}

export function asWord<W extends string>(words: readonly W[]): Reader<W> {
  return (value, at) => {
    const found = words.find((candidate) => candidate === value);
    if (found === undefined) throw problem(at, words.join(' | '), value);
    return found;
  };
}

export function asArray<T>(value: unknown, at: string, read: Reader<T>): readonly T[] {
  if (!Array.isArray(value)) throw problem(at, 'a list', value);
  return value.map((one, index) => read(one, `${at}[${index}]`));
}

/** Name → whole number; a name such as `__proto__` stays a plain property. */
export function asIntegers(value: unknown, at: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(asObject(value, at)).map(([name, one]) => [name, asInteger(one, `${at}.${name}`)]),
  );
}

function problem(at: string, expected: string, found: unknown): NoteProblem {
  const shown = JSON.stringify(found) ?? 'nothing';
  return new NoteProblem(`${at} should be ${expected}, found ${shown.slice(0, 60)}`);
}
