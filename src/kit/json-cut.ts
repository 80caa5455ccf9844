import { cutOff, emptyJson, JsonFault, misplaced, strayEnd, textOf } from './json-fault.ts';
import type { JsonPath } from './json-path.ts';

/** Where a value stands in the document's bytes: up to, but without, `end`. */
export interface JsonRange {
  readonly start: number;
  readonly end: number;
}

/** What was found at one path: the value itself, and the elements or members that were asked for. */
export interface JsonFind {
  value: JsonRange | undefined;
  /** Starts and ends by turns, of the elements of the array at the path. */
  readonly elements: number[];
  /** Of the object at the path: members by their raw name (quotes left out), in order; a member that is an array with its elements. */
  readonly members: { readonly name: string; readonly value: JsonRange; readonly elements: number[] | undefined }[];
}

/** What to note of the value at a path besides where it is. */
export type JsonWanted = 'value' | 'elements' | 'columns';

/** Deeper nesting than any table needs. */
const DEPTH_MAX = 200;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

const stack = new Uint8Array(DEPTH_MAX);

/** Paths as a tree: what is wanted at a place, and what lies below it. */
export interface JsonNode {
  find: JsonFind | undefined;
  wanted: JsonWanted;
  readonly names: Map<string, JsonNode>;
  readonly indexes: Map<number, JsonNode>;
}

/**
 * Finds values in one JSON document without making objects of it, so that numbers keep every digit. The whole document is
 * walked: brackets, strings and the ends of both are checked, so a document that was cut off is noticed; what stands between them
 * is left to whoever reads the values.
 * @param paths what to find; the answer has the same order.
 * @throws JsonFault where the document is not whole.
 */
export function cutJson(
  bytes: Uint8Array,
  paths: readonly { readonly path: JsonPath; readonly wanted: JsonWanted }[],
): readonly JsonFind[] {
  const { root, finds } = jsonTree(paths);
  const start = skipBlanks(bytes, markBytes(bytes));
  if (start >= bytes.length) throw emptyJson(start);
  const end = skipBlanks(bytes, walkJson(bytes, start, root));
  if (end < bytes.length) throw strayEnd(end);
  return finds;
}

/** A tree of these paths, and what will be found at each. */
export function jsonTree(paths: readonly { readonly path: JsonPath; readonly wanted: JsonWanted }[]): {
  readonly root: JsonNode;
  readonly finds: readonly JsonFind[];
} {
  const root = newNode();
  return { root, finds: paths.map(({ path, wanted }) => wish(root, path, wanted)) };
}

/** How long the byte order mark is that the document begins with. */
export function markBytes(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Where the JSON value that begins at `start` ends. @throws JsonFault when it is not whole. */
export function endOfJson(bytes: Uint8Array, start: number): number {
  return skip(bytes, start);
}

/** The raw value of a member of the object at `start`; undefined when it has none of that name. */
export function memberOf(bytes: Uint8Array, start: number, name: string): JsonRange | undefined {
  if (bytes[start] !== OBJECT) return undefined;
  const root = newNode();
  const found = wish(root, { text: name, steps: [name] }, 'value');
  walkJson(bytes, start, root);
  return found.value;
}

function newNode(): JsonNode {
  return { find: undefined, wanted: 'value', names: new Map(), indexes: new Map() };
}

function wish(root: JsonNode, path: JsonPath, wanted: JsonWanted): JsonFind {
  let node = root;
  for (const step of path.steps) {
    const children: Map<string | number, JsonNode> =
      typeof step === 'string' ? (node.names as never) : (node.indexes as never);
    const child = children.get(step) ?? newNode();
    children.set(step, child);
    node = child;
  }
  node.find ??= { value: undefined, elements: [], members: [] };
  if (wanted !== 'value') node.wanted = wanted;
  return node.find;
}

/** Walks the value at `at` and notes what the node wants; returns where it ends. */
export function walkJson(bytes: Uint8Array, at: number, node: JsonNode): number {
  const { find } = node;
  // A member that stands twice: the last one counts, as most readers have it.
  if (find !== undefined) {
    find.elements.length = 0;
    find.members.length = 0;
  }
  const end = walkInside(bytes, at, node, find);
  if (find !== undefined) find.value = { start: at, end };
  return end;
}

function walkInside(bytes: Uint8Array, at: number, node: JsonNode, find: JsonFind | undefined): number {
  const opens = bytes[at];
  if (opens === ARRAY && (node.wanted === 'elements' || node.indexes.size > 0))
    return walkArray(bytes, at, node, node.wanted === 'elements' ? find?.elements : undefined);
  if (opens === OBJECT && (node.wanted === 'columns' || node.names.size > 0))
    return walkObject(bytes, at, node, node.wanted === 'columns' ? find?.members : undefined);
  return skip(bytes, at);
}

function walkArray(
  bytes: Uint8Array,
  start: number,
  node: JsonNode | undefined,
  elements: number[] | undefined,
): number {
  let at = skipBlanks(bytes, start + 1);
  if (bytes[at] === ARRAY_END) return at + 1;
  for (let index = 0; ; index++) {
    const child = node?.indexes.get(index);
    const end = child === undefined ? skip(bytes, at) : walkJson(bytes, at, child);
    elements?.push(at, end);
    at = skipBlanks(bytes, end);
    if (bytes[at] === ARRAY_END) return at + 1;
    expect(bytes, at, COMMA);
    at = skipBlanks(bytes, at + 1);
  }
}

function walkObject(
  bytes: Uint8Array,
  start: number,
  node: JsonNode,
  members: JsonFind['members'] | undefined,
): number {
  let at = skipBlanks(bytes, start + 1);
  if (bytes[at] === OBJECT_END) return at + 1;
  for (;;) {
    expect(bytes, at, QUOTE);
    const name_end = endOfText(bytes, at + 1);
    const raw = textOf(bytes, at + 1, name_end - 1);
    const child = node.names.get(memberName(raw));
    at = skipBlanks(bytes, name_end);
    expect(bytes, at, COLON);
    const value = skipBlanks(bytes, at + 1);
    const end = member(bytes, value, child, raw, members);
    at = skipBlanks(bytes, end);
    if (bytes[at] === OBJECT_END) return at + 1;
    expect(bytes, at, COMMA);
    at = skipBlanks(bytes, at + 1);
  }
}

function member(
  bytes: Uint8Array,
  at: number,
  child: JsonNode | undefined,
  name: string,
  members: JsonFind['members'] | undefined,
): number {
  if (members === undefined) return child === undefined ? skip(bytes, at) : walkJson(bytes, at, child);
  const elements: number[] | undefined = bytes[at] === ARRAY ? [] : undefined;
  const end = elements === undefined ? skip(bytes, at) : walkArray(bytes, at, undefined, elements);
  members.push({ name, value: { start: at, end }, elements });
  return end;
}

/** Goes over one value of any kind. This is where nearly all bytes pass. */
function skip(bytes: Uint8Array, start: number): number {
  const size = bytes.length;
  let at = start;
  let depth = 0;
  while (at < size) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfText(bytes, at + 1);
    else if (byte === OBJECT || byte === ARRAY) {
      open(depth, byte, at);
      depth += 1;
      at += 1;
      continue;
    } else if (byte === OBJECT_END || byte === ARRAY_END) {
      close(bytes, depth, at);
      depth -= 1;
      at += 1;
    } else if (isBetween(byte)) {
      if (depth === 0) throw misplaced(bytes, at);
      at += 1;
      continue;
    } else at = token(bytes, at);
    if (depth === 0) return at;
  }
  throw cutOff(size);
}

function open(depth: number, byte: number, at: number): void {
  if (depth === DEPTH_MAX) throw new JsonFault(`it is nested more than ${DEPTH_MAX} levels deep`, at);
  stack[depth] = byte;
}

/** { is two before }, and [ two before ]. */
function close(bytes: Uint8Array, depth: number, at: number): void {
  if (depth === 0 || stack[depth - 1] !== (bytes[at] as number) - 2) throw misplaced(bytes, at);
}

function isBetween(byte: number): boolean {
  return byte === COMMA || byte === COLON || byte <= 0x20;
}

/** The end of a number or word. */
function token(bytes: Uint8Array, start: number): number {
  const size = bytes.length;
  let at = start + 1;
  while (at < size) {
    const byte = bytes[at] as number;
    if (byte <= COMMA ? byte === COMMA || byte <= 0x22 : byte === ARRAY_END || byte === OBJECT_END) break;
    at += 1;
  }
  return at;
}

/** The end of a string whose first byte after the quote is at `start`: behind its closing quote. */
export function endOfText(bytes: Uint8Array, start: number): number {
  const size = bytes.length;
  let at = start;
  while (at < size) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      let slash = at - 1;
      while (slash >= start && bytes[slash] === BACKSLASH) slash -= 1;
      if (((at - slash) & 1) === 1) return at + 1;
    } else if (byte < 0x20) {
      throw new JsonFault('a string holds a raw control character (a quote may be missing)', at);
    }
    at += 1;
  }
  throw cutOff(size);
}

export function skipBlanks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && isBlank(bytes[at] as number)) at += 1;
  return at;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function expect(bytes: Uint8Array, at: number, byte: number): void {
  if (bytes[at] === byte) return;
  if (at >= bytes.length) throw cutOff(at);
  throw misplaced(bytes, at);
}

/** A member's name as it is meant. @param raw as it is written, without its quotes */
export function memberName(raw: string): string {
  if (!raw.includes('\\')) return raw;
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}
