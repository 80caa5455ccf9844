import type { LineCounter } from 'yaml';
import type { ErrorCode } from '../errors/catalogue.ts';
import { DataflowError, type ErrorDetails, type Place } from '../errors/dataflow-error.ts';

export type Path = readonly PropertyKey[];

/** One configuration file, with what turns an offset into a line and a column. */
export interface ConfigFile {
  readonly path: string;
  readonly lines: LineCounter;
}

/** Where one entry of a map or list stands: offsets of its key (for a list: of the item) and of its value. */
export interface Mark {
  readonly file: ConfigFile;
  readonly key: number;
  readonly value: number;
  /** Set when the text held `${…}`: it may then stand for a number or a boolean. */
  interpolated?: boolean;
}

/** For every map and list of the tree, the marks of its entries. */
export type Marks = WeakMap<object, Map<string, Mark>>;

/** The plain content of one or several files and the way back to their text. Maps have no prototype. */
export interface ConfigTree {
  readonly root: Record<string, unknown>;
  readonly marks: Marks;
  /** The main file. */
  readonly file: string;
}

/**
 * The place of a value, or of the nearest thing around it that exists. A map or list that has a key is shown at its key,
 * as is everything when `at` is `key`.
 */
export function placeOf(tree: ConfigTree, path: Path, at: 'key' | 'value' = 'value'): Place {
  let current: unknown = tree.root;
  let mark: Mark | undefined;
  for (const step of path) {
    const next = isContainer(current) ? tree.marks.get(current)?.get(String(step)) : undefined;
    if (next === undefined) break;
    mark = next;
    current = (current as Record<string, unknown>)[String(step)];
  }
  if (mark === undefined) return { file: tree.file, line: 1, column: 1 };
  return placeAt(mark.file, at === 'key' || isContainer(current) ? mark.key : mark.value);
}

export function markOf(tree: ConfigTree, path: Path): Mark | undefined {
  const parent = valueAt(tree, path.slice(0, -1));
  return isContainer(parent) ? tree.marks.get(parent)?.get(String(path.at(-1))) : undefined;
}

export function valueAt(tree: ConfigTree, path: Path): unknown {
  let current: unknown = tree.root;
  for (const step of path) {
    if (!isContainer(current) || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<PropertyKey, unknown>)[step];
  }
  return current;
}

export function placeAt(file: ConfigFile, offset: number): Place {
  const { line, col } = file.lines.linePos(offset);
  return { file: file.path, line, column: col };
}

/** `silver.achats.rules[2].between.above`. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `[${JSON.stringify(String(step))}]`;
  }
  return text;
}

/** A problem with the value at a path: its message starts with the path. */
export function problemAt(tree: ConfigTree, path: Path, message: string, more: ProblemOptions = {}): DataflowError {
  const { code = 'E_CONFIG_INVALID', at = 'value', ...details } = more;
  const where = pathText(path);
  return new DataflowError(code, where === '' ? message : `${where}: ${message}`, {
    place: placeOf(tree, path, at),
    ...details,
  });
}

export interface ProblemOptions extends Omit<ErrorDetails, 'place'> {
  readonly code?: ErrorCode;
  readonly at?: 'key' | 'value';
}

export function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
