import {
  endOfJson,
  endOfText,
  type JsonFind,
  type JsonNode,
  jsonTree,
  markBytes,
  memberName,
  skipBlanks,
  walkJson,
} from './json-cut.ts';
import { cutOff, emptyJson, JsonFault, misplaced, strayEnd } from './json-fault.ts';
import type { JsonPath } from './json-path.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/** What stands where the elements were looked for; absent: nothing does. */
export type ElementsKind = 'array' | 'object' | 'null' | 'other';

/** Where the reading of an array stands. */
type ArrayState = 'first' | 'element' | 'behind';

/**
 * Finds the elements of one array, and some single values, in a JSON document that comes piece by piece: what `cutJson` finds in a whole one, with the same
 * faults. Held in memory is one piece, and it must hold any one element, and any one value beside the array.
 */
export class JsonPieces {
  /** In the bytes of the latest piece: starts and ends by turns. */
  elements: number[] = [];
  /** How often the array was met up to now: a member that stands twice counts as it stands the last time. */
  rounds = 0;
  kind: ElementsKind | undefined;
  readonly #finds: readonly JsonFind[];
  readonly #texts = new Map<JsonFind, string>();
  /** The nodes from the document down to the array. */
  readonly #way: readonly JsonNode[];
  readonly #steps: Generator<void, void, void>;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #last = false;
  /** Bytes of the document before those of the piece. */
  #before = 0;
  /** Of the array. */
  #state: ArrayState = 'first';
  #index = 0;

  /** @param array where the elements are @param values where single values are, none of them the array itself or around it: see {@link isBeside} */
  constructor(array: JsonPath, values: readonly JsonPath[]) {
    const { root, finds } = jsonTree([
      { path: array, wanted: 'elements' },
      ...values.map((path) => ({ path, wanted: 'value' as const })),
    ]);
    this.#finds = finds.slice(1);
    const way = [root];
    for (const step of array.steps) {
      const node = way.at(-1) as JsonNode;
      way.push((typeof step === 'string' ? node.names.get(step) : node.indexes.get(step)) as JsonNode);
    }
    this.#way = way;
    this.#steps = this.#document();
  }

  /**
   * Reads on. `elements` are those that ended in this piece.
   * @param bytes what was not used of the last piece, and what came behind it
   * @param last whether this is the end of the document
   * @returns how many of the bytes need not be given again; when none of them: more are needed at once
   * @throws JsonFault with its offset in the document
   */
  run(bytes: Buffer, last: boolean): number {
    [this.#bytes, this.#last, this.#at, this.elements] = [bytes, last, 0, []];
    try {
      this.#steps.next();
    } catch (error) {
      if (!(error instanceof JsonFault)) throw error;
      throw new JsonFault(error.message, this.#before + error.offset);
    }
    this.#before += this.#at;
    return this.#at;
  }

  /** The raw texts of the single values, once all is read. */
  texts(): readonly (string | undefined)[] {
    return this.#finds.map((find) => this.#texts.get(find));
  }

  *#document(): Generator<void, void, void> {
    while (this.#bytes.length < 3 && !this.#last) yield;
    this.#at = markBytes(this.#bytes);
    yield* this.#token(emptyJson);
    yield* this.#value(0);
    for (;;) {
      this.#at = skipBlanks(this.#bytes, this.#at);
      if (this.#at < this.#bytes.length) throw strayEnd(this.#at);
      if (this.#last) return;
      yield;
    }
  }

  /** A value on the way to the array, or at its place. */
  *#value(depth: number): Generator<void, void, void> {
    const node = this.#way[depth] as JsonNode;
    const opens = this.#bytes[this.#at];
    if (depth === this.#way.length - 1) yield* this.#target(node, opens);
    else if (opens === OBJECT && node.names.size > 0) yield* this.#object(node, depth);
    else if (opens === ARRAY && node.indexes.size > 0) yield* this.#around(node, depth);
    else yield* this.#whole(undefined);
  }

  *#target(node: JsonNode, opens: number | undefined): Generator<void, void, void> {
    this.rounds += 1;
    // Those of an earlier round do not count.
    this.elements = [];
    if (opens === ARRAY) {
      this.kind = 'array';
      [this.#state, this.#index] = ['first', 0];
      this.#at += 1;
      while (!this.#take(node)) yield;
      return;
    }
    yield* this.#whole(node);
    const { value } = node.find ?? {};
    if (value === undefined) return;
    const is_null = this.#bytes.toString('latin1', value.start, value.end) === 'null';
    if (opens !== OBJECT) this.kind = is_null ? 'null' : 'other';
    else {
      this.kind = 'object';
      this.elements.push(value.start, value.end);
    }
  }

  /** The elements that are whole in this piece. False when the array goes on in the next one. */
  #take(node: JsonNode): boolean {
    const bytes = this.#bytes;
    for (;;) {
      this.#at = skipBlanks(bytes, this.#at);
      if (this.#at >= bytes.length) return this.#goesOn();
      const byte = bytes[this.#at];
      if (byte === ARRAY_END && this.#state !== 'element') {
        this.#at += 1;
        return true;
      }
      if (this.#state === 'behind') {
        if (byte !== COMMA) throw misplaced(bytes, this.#at);
        this.#at += 1;
        this.#state = 'element';
        continue;
      }
      const end = this.#endOf(node.indexes.get(this.#index));
      if (end < 0) return false;
      this.elements.push(this.#at, end);
      this.#at = end;
      this.#index += 1;
      this.#state = 'behind';
    }
  }

  /** Where the value at hand ends; -1: not in this piece. @param node what is wanted of it */
  #endOf(node: JsonNode | undefined): number {
    const bytes = this.#bytes;
    try {
      const end = node === undefined ? endOfJson(bytes, this.#at) : walkJson(bytes, this.#at, node);
      // A number may go on.
      if (end >= bytes.length && !this.#last) return -1;
      if (node !== undefined) this.#note();
      return end;
    } catch (error) {
      if (error instanceof JsonFault && error.offset >= bytes.length && !this.#last) return -1;
      throw error;
    }
  }

  #note(): void {
    for (const find of this.#finds) {
      if (find.value === undefined) continue;
      this.#texts.set(find, this.#bytes.toString('utf8', find.value.start, find.value.end));
      find.value = undefined;
    }
  }

  /** Goes over the value at hand. */
  *#whole(node: JsonNode | undefined): Generator<void, void, void> {
    for (;;) {
      const end = this.#endOf(node);
      if (end >= 0) {
        this.#at = end;
        return;
      }
      yield;
    }
  }

  /** An array around the one that is wanted. */
  *#around(node: JsonNode, depth: number): Generator<void, void, void> {
    this.#at += 1;
    if ((yield* this.#token()) === ARRAY_END) {
      this.#at += 1;
      return;
    }
    for (let index = 0; ; index++) {
      yield* this.#child(node.indexes.get(index), depth);
      const byte = yield* this.#token();
      this.#at += 1;
      if (byte === ARRAY_END) return;
      if (byte !== COMMA) throw misplaced(this.#bytes, this.#at - 1);
      yield* this.#token();
    }
  }

  *#object(node: JsonNode, depth: number): Generator<void, void, void> {
    this.#at += 1;
    if ((yield* this.#token()) === OBJECT_END) {
      this.#at += 1;
      return;
    }
    for (;;) {
      const name = yield* this.#name();
      if ((yield* this.#token()) !== COLON) throw misplaced(this.#bytes, this.#at);
      this.#at += 1;
      yield* this.#token();
      yield* this.#child(node.names.get(name), depth);
      const byte = yield* this.#token();
      this.#at += 1;
      if (byte === OBJECT_END) return;
      if (byte !== COMMA) throw misplaced(this.#bytes, this.#at - 1);
      yield* this.#token();
    }
  }

  *#child(child: JsonNode | undefined, depth: number): Generator<void, void, void> {
    if (child !== undefined && child === this.#way[depth + 1]) yield* this.#value(depth + 1);
    else yield* this.#whole(child);
  }

  *#name(): Generator<void, string, void> {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes[this.#at] !== QUOTE) throw misplaced(bytes, this.#at);
      try {
        const from = this.#at + 1;
        this.#at = endOfText(bytes, from);
        return memberName(bytes.toString('utf8', from, this.#at - 1));
      } catch (error) {
        if (!(error instanceof JsonFault) || error.offset < bytes.length || this.#last) throw error;
      }
      yield;
    }
  }

  /** The next byte that is not blank. */
  *#token(none: (offset: number) => JsonFault = cutOff): Generator<void, number, void> {
    for (;;) {
      this.#at = skipBlanks(this.#bytes, this.#at);
      const byte = this.#bytes[this.#at];
      if (byte !== undefined) return byte;
      if (this.#last) throw none(this.#at);
      yield;
    }
  }

  #goesOn(): false {
    if (this.#last) throw cutOff(this.#at);
    return false;
  }
}

/** Whether a value can be taken while an array is read piece by piece: it is neither the array nor what holds it. */
export function isBeside(value: JsonPath, array: JsonPath): boolean {
  return value.steps.length > array.steps.length || value.steps.some((step, index) => step !== array.steps[index]);
}
