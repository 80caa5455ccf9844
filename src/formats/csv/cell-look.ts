import type { Column } from '../../core/model/table.ts';
import { type CellShape, CHAR, classOf, ODD, shapeOf } from './cell-shapes.ts';
import { CR, type CsvMachine, LF, STATE } from './machine.ts';

/** Too many columns for a table of states: everything is looked at exactly then. */
const STATES_MAX = 30_000;
const CLASSES = 16;
/** Flags on a transition: a cell turns out not to be plain; nothing more is wanted of the record, outside quotes. */
const MARK = 1 << 30;
const REST = 1 << 29;
const STATE_BITS = REST - 1;
const CLASS_DELIMITER = 10;
const CLASS_QUOTE = 11;
const CLASS_ESCAPE = 12;
const CLASS_LF = 13;
const CLASS_CR = 14;
/** Within a field: nothing is wanted of it (any more). */
const ANY = 255;

interface Automaton {
  readonly classes: Uint8Array;
  /** At `state + class`: the next state, with flags. A state is its row's place in this table. */
  readonly next: Int32Array;
  /** The column that a state is in, by row. */
  readonly column: Uint16Array;
  /** States in which the text must not end, by row. */
  readonly unfinished: Uint8Array;
  /** -1 without one. */
  readonly quote: number;
  readonly start: number;
}

interface Layout {
  readonly machine: CsvMachine;
  readonly dialect: { readonly delimiter: string; readonly quote: string; readonly escape: string };
  /** Names in the order of the file's columns. */
  readonly header: readonly string[];
  readonly columns: readonly Column[];
}

/**
 * Notes in which typed columns of a CSV text some cell is not in the plain form that the engine's cast takes over unchanged: a fraction in an
 * integer column, more digits than the scale, another way to write a date. Only such columns are cast with an exact check, which is dear.
 * One table lookup a byte.
 */
export class CellLook {
  readonly #automaton: Automaton | undefined;
  readonly #names: readonly string[];
  readonly #odd: Set<number>;
  readonly #typed: number;
  #state: number;

  constructor(layout: Layout) {
    const types = new Map(layout.columns.map((column) => [column.name.toLowerCase(), column]));
    const wanted = layout.header.map((name) => types.get(name.toLowerCase()));
    const shapes = wanted.map((column) => (column === undefined ? undefined : shapeOf(column.type)));
    this.#names = wanted.map((column) => column?.name ?? '');
    this.#typed = shapes.filter((shape) => shape !== undefined).length;
    this.#automaton = this.#typed === 0 ? undefined : automatonOf(layout, shapes);
    const gaveUp = this.#typed > 0 && this.#automaton === undefined;
    this.#odd = new Set(gaveUp ? shapes.flatMap((shape, index) => (shape === undefined ? [] : [index])) : []);
    this.#state = this.#automaton?.start ?? 0;
  }

  push(chunk: Buffer): void {
    if (this.#automaton === undefined || this.#odd.size === this.#typed) return;
    const { classes, next, column, quote } = this.#automaton;
    // Without quotes in sight the rest of a record, behind its last typed column, ends at the line's end.
    const may_skip = quote < 0 || !chunk.includes(quote);
    let state = this.#state;
    for (let at = 0; at < chunk.length; at++) {
      const to = next[state + (classes[chunk[at] as number] as number)] as number;
      if (to >= REST) {
        if (to >= MARK) this.#odd.add(column[state / CLASSES] as number);
        if (may_skip && (to & REST) !== 0) at = endOfLine(chunk, at + 1) - 1;
      }
      state = to & STATE_BITS;
    }
    this.#state = state;
  }

  /** Names of the columns with such a cell, in the order of the file. */
  end(): readonly string[] {
    const row = this.#state / CLASSES;
    if (this.#automaton?.unfinished[row] === 1) this.#odd.add(this.#automaton.column[row] as number);
    return [...this.#odd].sort((a, b) => a - b).map((index) => this.#names[index] as string);
  }
}

function endOfLine(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && chunk[at] !== LF && chunk[at] !== CR) at += 1;
  return at;
}

/** Many small files have the same layout. */
let recent: { readonly key: string; readonly automaton: Automaton | undefined } | undefined;

function automatonOf(layout: Layout, shapes: readonly (CellShape | undefined)[]): Automaton | undefined {
  const { dialect, header, columns } = layout;
  const key = JSON.stringify([dialect.delimiter, dialect.quote, dialect.escape, header, columns]);
  if (recent?.key !== key) recent = { key, automaton: buildAutomaton(layout, shapes) };
  return recent.automaton;
}

/** Every reachable combination of column, place in the CSV grammar and place in the cell's shape. */
function buildAutomaton(layout: Layout, shapes: readonly (CellShape | undefined)[]): Automaton | undefined {
  const bytes = sampleBytes(layout);
  const last = shapes.findLastIndex((shape) => shape !== undefined);
  const ids = new Map<number, number>();
  const found: number[] = [];
  const idOf = (column: number, csv: number, cell: number): number => {
    const packed = (Math.min(column, last + 1) << 12) | (csv << 8) | cell;
    const known = ids.get(packed);
    if (known !== undefined) return known;
    ids.set(packed, found.length);
    return found.push(packed) - 1;
  };
  const start = idOf(0, STATE.LINE_START, 0);
  const rowOf = (column: number, csv: number, cell: number): number => idOf(column, csv, cell) * CLASSES;
  const rows: number[][] = [];
  for (let id = 0; id < found.length; id++) {
    if (found.length > STATES_MAX) return undefined;
    const [column, csv, cell] = unpack(found[id] as number);
    rows.push(
      bytes.map((byte, of) =>
        byte < 0 ? 0 : step(layout.machine, shapes, { column, csv, cell }, byte, of, last, rowOf),
      ),
    );
  }
  const unfinished = found.map((packed) => {
    const [column, , cell] = unpack(packed);
    return cell !== ANY && shapes[column]?.mayEnd(cell) === false ? 1 : 0;
  });
  return {
    classes: classTable(layout),
    next: Int32Array.from(rows.flat()),
    column: Uint16Array.from(found.map((packed) => packed >> 12)),
    unfinished: Uint8Array.from(unfinished),
    start: start * CLASSES,
    quote: layout.dialect.quote === '' ? -1 : layout.dialect.quote.charCodeAt(0),
  };
}

function unpack(packed: number): readonly [column: number, csv: number, cell: number] {
  return [packed >> 12, (packed >> 8) & 15, packed & 255];
}

function step(
  machine: CsvMachine,
  shapes: readonly (CellShape | undefined)[],
  from: { readonly column: number; readonly csv: number; readonly cell: number },
  byte: number,
  of: number,
  last: number,
  rowOf: (column: number, csv: number, cell: number) => number,
): number {
  const { column, cell } = from;
  const csv = machine[(from.csv << 8) | byte] as number;
  const shape = shapes[column];
  const watched = shape !== undefined && cell !== ANY;
  if (csv <= STATE.FIELD_START) {
    const odd = watched && !shape.mayEnd(cell) ? MARK : 0;
    if (csv !== STATE.FIELD_START) return odd | rowOf(0, csv, 0);
    return odd | (column >= last ? REST : 0) | rowOf(column + 1, csv, 0);
  }
  if (!watched) return rowOf(column, csv, shape === undefined ? 0 : ANY);
  const plain = csv === STATE.PLAIN && of <= CHAR.Z ? shape.next(cell, of as (typeof CHAR)[keyof typeof CHAR]) : ODD;
  return plain === ODD ? MARK | rowOf(column, csv, ANY) : rowOf(column, csv, plain);
}

function classTable({ dialect }: Layout): Uint8Array {
  const classes = Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));
  classes[LF] = CLASS_LF;
  classes[CR] = CLASS_CR;
  if (dialect.escape !== '') classes[dialect.escape.charCodeAt(0)] = CLASS_ESCAPE;
  if (dialect.quote !== '') classes[dialect.quote.charCodeAt(0)] = CLASS_QUOTE;
  classes[dialect.delimiter.charCodeAt(0)] = CLASS_DELIMITER;
  return classes;
}

/** One byte of each class; -1 for a class that this dialect does not have. */
function sampleBytes(layout: Layout): readonly number[] {
  const classes = classTable(layout);
  return Array.from({ length: CLASSES }, (_, of) => classes.indexOf(of));
}
