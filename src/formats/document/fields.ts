import { createContext, Script } from 'node:vm';
import { UnitFault } from '../stream/unit-fault.ts';
import { type PageReading, rounded } from './reading.ts';

/** What a pattern found. */
export interface FieldFound {
  readonly value: string | null;
  /** 0..100; null where nothing was found. */
  readonly confidence: number | null;
}

/** Texts of strangers under patterns of users: a pattern that goes astray is stopped. */
const PATTERNS_MS_MAX = 2_000;
/** A longer value is no field. */
const VALUE_CHARS_MAX = 1_000;

/** The part of a text that the first group of a match covers, or the whole match. */
type Spans = Readonly<Record<string, readonly [start: number, end: number] | null>>;

const CONTEXT = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
const SEARCH = new Script(`(() => {
  const spans = {};
  for (const [name, pattern] of JSON.parse(patterns)) {
    const match = new RegExp(pattern, 'dmu').exec(text);
    spans[name] = match === null ? null : (match.indices[1] ?? match.indices[0]);
  }
  return JSON.stringify(spans);
})()`);

/**
 * The fields of a page: the first match of each pattern, of it the first group. Its confidence is that of its least sure word: a number is as sure as
 * its least sure digit.
 * @throws UnitFault when the patterns take too long.
 */
export function fieldsOf(
  page: Pick<PageReading, 'text' | 'words' | 'confidence'>,
  patterns: Readonly<Record<string, { readonly pattern: string }>>,
): Readonly<Record<string, FieldFound>> {
  const spans = search(page.text, patterns);
  return Object.fromEntries(Object.entries(spans).map(([name, span]) => [name, found(page, span)]));
}

function search(text: string, patterns: Readonly<Record<string, { readonly pattern: string }>>): Spans {
  const list = Object.entries(patterns).map(([name, { pattern }]) => [name, pattern]);
  if (list.length === 0) return {};
  Object.assign(CONTEXT, { text, patterns: JSON.stringify(list) });
  try {
    return JSON.parse(String(SEARCH.runInContext(CONTEXT, { timeout: PATTERNS_MS_MAX }))) as Spans;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new UnitFault('unsafe_file', `the patterns of fields: took longer than ${PATTERNS_MS_MAX} ms on its text`);
  }
}

function found(page: Pick<PageReading, 'text' | 'words' | 'confidence'>, span: Spans[string]): FieldFound {
  if (span === null || span === undefined) return { value: null, confidence: null };
  const [start, end] = span;
  const value = page.text.slice(start, Math.min(end, start + VALUE_CHARS_MAX)).trim();
  if (value === '') return { value: null, confidence: null };
  const covered = page.words.filter((word) => word.at < end && word.at + word.text.length > start);
  const confidence = covered.length === 0 ? page.confidence : Math.min(...covered.map((word) => word.confidence));
  return { value, confidence: rounded(confidence) };
}
