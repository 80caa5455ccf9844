import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml';
import type { ErrorCode } from '../errors/catalogue.ts';
import { DataflowError, type Place } from '../errors/dataflow-error.ts';
import { CONFIG_LIMITS, refuseOversized } from './limits.ts';
import { type ConfigFile, type Mark, type Marks, placeAt } from './tree.ts';

/** A file as plain values. `value` is undefined when the text is not YAML at all, null when it is empty. */
export interface ParsedFile {
  readonly file: ConfigFile;
  readonly value: unknown;
  readonly problems: readonly DataflowError[];
  readonly warnings: readonly string[];
}

/** Counts values over all files of a project. */
export interface EntryBudget {
  left: number;
}

/**
 * Reads YAML 1.2 (core schema: `NO` and `2026-01-31` stay text) into plain values, and notes where each stands.
 * Never throws: whatever is wrong is in `problems`. Tags, merge keys, several documents and non-text keys are refused.
 */
export function parseYaml(path: string, text: string, marks: Marks, budget: EntryBudget): ParsedFile {
  const lines = new LineCounter();
  const file: ConfigFile = { path, lines };
  try {
    refuseOversized(path, text);
    const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, stringKeys: true });
    const syntax = [...doc.errors, ...doc.warnings].map((error) =>
      syntaxProblem(error.message, placeAt(file, error.pos[0])),
    );
    if (syntax.length > 0) return { file, value: undefined, problems: syntax.slice(0, 20), warnings: [] };
    const builder = new TreeBuilder(file, marks, budget);
    const value = builder.build(doc as Document.Parsed);
    return { file, value, problems: builder.problems, warnings: builder.warnings };
  } catch (error) {
    return { file, value: undefined, problems: [asProblem(error, path)], warnings: [] };
  }
}

const TOO_DEEP = `nested more than ${CONFIG_LIMITS.depth_max} levels deep`;

/** The parser catches its own stack overflow and calls it a syntax error. */
function syntaxProblem(message: string, place: Place): DataflowError {
  if (/call stack/i.test(message)) return new DataflowError('E_CONFIG_LIMIT', TOO_DEEP, { place });
  return new DataflowError('E_CONFIG_SYNTAX', message.replace(/\s+/g, ' '), { place });
}

/** The parser recurses; what the scan before it let through still cannot take the process down. */
function asProblem(error: unknown, file: string): DataflowError {
  if (error instanceof DataflowError) return error;
  if (error instanceof RangeError) return new DataflowError('E_CONFIG_LIMIT', TOO_DEEP, { place: { file } });
  return new DataflowError('E_CONFIG_SYNTAX', error instanceof Error ? error.message : String(error), {
    place: { file },
    cause: error,
  });
}

class TreeBuilder {
  readonly problems: DataflowError[] = [];
  readonly warnings: string[] = [];
  readonly #file: ConfigFile;
  readonly #marks: Marks;
  readonly #budget: EntryBudget;
  readonly #anchors = new Map<string, Node>();
  /** Anchored nodes being built: an alias to one of them would never end. */
  readonly #open = new Set<Node>();
  #aliases = 0;

  constructor(file: ConfigFile, marks: Marks, budget: EntryBudget) {
    this.#file = file;
    this.#marks = marks;
    this.#budget = budget;
  }

  build(doc: Document.Parsed): unknown {
    return doc.contents === null ? null : this.#value(doc.contents, 0);
  }

  #value(node: Node, depth: number): unknown {
    this.#budget.left -= 1;
    if (this.#budget.left < 0)
      throw this.#limit(node, `more than ${CONFIG_LIMITS.entries_max} values, with aliases expanded`);
    if (depth > CONFIG_LIMITS.depth_max) throw this.#limit(node, TOO_DEEP);
    if (isAlias(node)) return this.#alias(node.source, node, depth);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node);
    this.#open.add(node);
    try {
      if (isMap(node)) return this.#map(node, node.items as Pair<Node, Node | null>[], depth);
      return isSeq(node) ? this.#list(node.items as Node[], depth) : null;
    } finally {
      this.#open.delete(node);
    }
  }

  #alias(name: string, node: Node, depth: number): unknown {
    this.#aliases += 1;
    if (this.#aliases > CONFIG_LIMITS.aliases_max)
      throw this.#limit(node, `more than ${CONFIG_LIMITS.aliases_max} aliases`);
    const target = this.#anchors.get(name);
    if (target === undefined || this.#open.has(target)) {
      this.#problem(
        node,
        target === undefined ? `*${name} names no earlier anchor` : `*${name} contains itself`,
        'E_CONFIG_SYNTAX',
      );
      return null;
    }
    return this.#value(target, depth);
  }

  #map(map: Node, items: readonly Pair<Node, Node | null>[], depth: number): unknown {
    const object: Record<string, unknown> = Object.create(null);
    const marks = new Map<string, Mark>();
    this.#marks.set(object, marks);
    for (const { key: keyNode, value: valueNode } of items) {
      const key = isScalar(keyNode) ? String(keyNode.value) : undefined;
      if (key === undefined) {
        this.#problem(keyNode ?? map, 'a key must be plain text', 'E_CONFIG_SYNTAX');
        continue;
      }
      const at = startOf(keyNode);
      const first = marks.get(key);
      if (key === '__proto__') this.#problem(keyNode, '__proto__ is not allowed as a key', 'E_CONFIG_INVALID');
      else if (key.includes('\0')) this.#problem(keyNode, 'a key cannot contain NUL', 'E_CONFIG_INVALID');
      else if (first !== undefined)
        this.#problem(
          keyNode,
          `${key} occurs twice: here and in line ${placeAt(this.#file, first.key).line}`,
          'E_CONFIG_SYNTAX',
        );
      else {
        marks.set(key, { file: this.#file, key: at, value: valueNode === null ? at : startOf(valueNode) });
        object[key] = valueNode === null ? null : this.#value(valueNode, depth + 1);
      }
    }
    return object;
  }

  #list(items: readonly Node[], depth: number): unknown {
    const list: unknown[] = [];
    const marks = new Map<string, Mark>();
    this.#marks.set(list, marks);
    for (const item of items) {
      const at = startOf(item);
      marks.set(String(list.length), { file: this.#file, key: at, value: at });
      list.push(this.#value(item, depth + 1));
    }
    return list;
  }

  #scalar(node: Scalar): unknown {
    const { value, source = '' } = node;
    if (typeof value === 'string' && value.includes('\0'))
      this.#problem(node, 'a text cannot contain NUL', 'E_CONFIG_INVALID');
    if (typeof value !== 'number') return value;
    if (!Number.isFinite(value))
      this.#problem(node, `${source} is not a number that can be used here`, 'E_CONFIG_INVALID');
    else if (!keepsItsDigits(value, source))
      this.#problem(node, `${source} has more digits than a number can keep: put it in quotes`, 'E_CONFIG_INVALID');
    else if (/^[+-]?0\d+$/.test(source)) {
      const { line, column } = placeAt(this.#file, startOf(node));
      this.warnings.push(
        `${this.#file.path}:${line}:${column}: ${source} is read as the number ${value}; put it in quotes if it is text`,
      );
    }
    return value;
  }

  #problem(node: Node, message: string, code: ErrorCode): void {
    this.problems.push(new DataflowError(code, message, { place: placeAt(this.#file, startOf(node)) }));
  }

  #limit(node: Node, message: string): DataflowError {
    return new DataflowError('E_CONFIG_LIMIT', message, { place: placeAt(this.#file, startOf(node)) });
  }
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** False for `12345678901234567890` and `0.1234567890123456789`, which would silently become other numbers. */
function keepsItsDigits(value: number, source: string): boolean {
  if (/^0[xo]/i.test(source)) return Number.isSafeInteger(value);
  const digits = (source.split(/e/i)[0] ?? '').replace(/[^\d]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  return (
    digits.length <= 15 ||
    (Number.isSafeInteger(value) &&
      BigInt(value).toString() === source.replace(/^[+]/, '').replace(/^(-?)0+(?=\d)/, '$1'))
  );
}
