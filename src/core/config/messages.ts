import type { $ZodRawIssue, $ZodType } from 'zod/v4/core';
import { closest } from '../../kit/closest.ts';

/** A result of a schema with its issues as the schema raised them: they still know the schema and the input. */
export interface ShapeResult {
  readonly value: unknown;
  readonly issues: readonly $ZodRawIssue[];
}

/** Runs a schema and keeps the raw issues, which name the schema that raised them; `safeParse` would drop it. */
export function runShape(schema: $ZodType, value: unknown): ShapeResult {
  const result = schema._zod.run({ value, issues: [] }, { async: false, error: (issue) => messageOf(issue) });
  if (result instanceof Promise) throw new TypeError('configuration schemas must be synchronous');
  return { value: result.value, issues: result.issues as $ZodRawIssue[] };
}

/** What one issue says, in one line, and what may have been meant. */
export interface PlacedWords {
  readonly message: string;
  readonly hint?: string;
  readonly path: readonly PropertyKey[];
  /** Show it at the key instead of the value. */
  readonly at_key: boolean;
}

/** All that an issue has to say; unknown keys are said one by one, hence the list. `path` is relative to the issue's own. */
export function said(issue: $ZodRawIssue): readonly PlacedWords[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(issue.inst as $ZodType | undefined);
    return (issue.keys as readonly string[]).map((key) => ({
      path: [key],
      at_key: true,
      message: 'unknown key',
      ...meant(key, known),
    }));
  }
  const params = issue['params'] as { candidates?: readonly string[]; word?: string; at_key?: boolean } | undefined;
  const words = params?.word === undefined ? undefined : meant(params.word, params.candidates ?? []);
  if (issue.code === 'invalid_union') return unionSaid(issue);
  if (issue.code === 'invalid_value' && typeof issue.input === 'string') {
    const values = (issue.values as readonly unknown[]).map(String);
    return [{ path: [], at_key: false, message: messageOf(issue), ...meant(issue.input, values) }];
  }
  return [
    { path: [], at_key: issue.code === 'invalid_key' || params?.at_key === true, message: messageOf(issue), ...words },
  ];
}

function meant(word: string, candidates: readonly string[]): { readonly hint?: string } {
  const guess = closest(word, candidates);
  if (guess !== undefined) return { hint: `Did you mean ${guess}?` };
  return candidates.length === 0 ? {} : { hint: `Allowed: ${candidates.slice(0, 30).join(', ')}.` };
}

function keysOf(schema: $ZodType | undefined): readonly string[] {
  const def = schema?._zod.def as { shape?: object } | undefined;
  return Object.keys(def?.shape ?? {});
}

/** The text of one issue: the schema's own words if it has any, else ours. */
export function messageOf(issue: $ZodRawIssue): string {
  const own = issue.message ?? ownWords(issue);
  if (own !== undefined) return own;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing (expected ${typeName(issue.expected as string)})`
        : `expected ${typeName(issue.expected as string)}, found ${found(issue.input)}`;
    case 'invalid_value':
      return `expected ${oneOf((issue.values as readonly unknown[]).map(String))}, found ${found(issue.input)}`;
    case 'unrecognized_keys':
      return `unknown ${(issue.keys as readonly string[]).length > 1 ? 'keys' : 'key'} ${(issue.keys as readonly string[]).join(', ')}`;
    case 'too_small':
      return bounds(issue, 'at least', issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return bounds(issue, 'at most', issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    case 'invalid_format':
      return `${found(issue.input)} does not have the expected form${typeof issue['pattern'] === 'string' ? ` ${issue['pattern']}` : ''}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}, found ${found(issue.input)}`;
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues[0]?.message ?? 'invalid key';
    default:
      return 'invalid value';
  }
}

function ownWords(issue: $ZodRawIssue): string | undefined {
  const inst = issue.inst as
    | { _zod?: { def?: { error?: (issue: $ZodRawIssue) => string | { message: string } | null | undefined } } }
    | undefined;
  const words = inst?._zod?.def?.error?.(issue);
  return typeof words === 'string' ? words : words?.message;
}

function bounds(issue: $ZodRawIssue, words: string, limit: unknown, number_words: string): string {
  if (issue['origin'] === 'string')
    return issue.input === '' ? 'must not be empty' : `must have ${words} ${limit} characters`;
  if (issue['origin'] === 'array')
    return Number(limit) === 1 && words === 'at least'
      ? 'must not be an empty list'
      : `must have ${words} ${limit} entries`;
  return `must be ${number_words} ${limit}, found ${found(issue.input)}`;
}

/**
 * Of several alternatives the one that took the value's kind speaks; if none did, all say what they wanted. The alternatives are run
 * again, because what a union passes on no longer knows the schema.
 */
function unionSaid(issue: $ZodRawIssue): readonly PlacedWords[] {
  const own = issue.message ?? ownWords(issue);
  if (own !== undefined) return [{ path: [], at_key: false, message: own }];
  const options =
    (issue.inst as { _zod?: { def?: { options?: readonly $ZodType[] } } } | undefined)?._zod?.def?.options ?? [];
  const branches = options.map((option) => runShape(option, issue.input).issues);
  const isWrongKind = (one: $ZodRawIssue): boolean => (one.path ?? []).length === 0 && one.code === 'invalid_type';
  const near = branches.find((branch) => branch.length > 0 && !branch.some(isWrongKind));
  if (near !== undefined)
    return near.flatMap((one) => said(one).map((words) => ({ ...words, path: [...(one.path ?? []), ...words.path] })));
  const wanted = oneOf(
    branches.flatMap((branch) =>
      branch.filter(isWrongKind).map((one) => typeName(String((one as { expected?: unknown }).expected))),
    ),
  );
  const message =
    issue.input === undefined ? `is missing (expected ${wanted})` : `expected ${wanted}, found ${found(issue.input)}`;
  return [{ path: [], at_key: false, message }];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

/** A value as a message shows it: short, and never a whole map. Text is cut, because it may be long or secret-looking. */
export function found(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value)}`;
  return String(value);
}

function oneOf(words: readonly string[]): string {
  const distinct = [...new Set(words)];
  return distinct.length < 2 ? (distinct[0] ?? '') : `${distinct.slice(0, -1).join(', ')} or ${distinct.at(-1)}`;
}
