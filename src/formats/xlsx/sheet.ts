import { UnitFault } from '../stream/unit-fault.ts';
import type { XmlEvents } from '../xml/events.ts';
import { dateText } from './dates.ts';
import { numberToken } from './numbers.ts';
import { isTrue, unescaped, type Workbook } from './workbook.ts';

/** Limits of the format itself. */
const ROWS_MAX = 1_048_576;
const COLUMNS_MAX = 16_384;

/** Cells of a row that hold something: JSON by the number of the column, from 0. */
export type Row = ReadonlyMap<number, string>;

/** Takes a sheet apart into rows. Hidden rows and columns are rows and columns; of merged cells the first holds the value. */
export class SheetReader implements XmlEvents {
  merged = 0;
  readonly #book: Workbook;
  readonly #row: (number: number, cells: Row) => void;
  #number = 0;
  #cells = new Map<number, string>();
  #cell: { column: number; type: string; style: number; formula: boolean; stored: boolean } | undefined;
  #last_column = -1;
  #text = '';
  #taking = false;
  #phonetic = false;
  #in_row = false;

  /** `row` is called for each row of the sheet that stands in the file, in order. */
  constructor(book: Workbook, row: (number: number, cells: Row) => void) {
    this.#book = book;
    this.#row = row;
  }

  open(name: string, at: Readonly<Record<string, string>>): void {
    if (name === 'row') this.#beginRow(at['r']);
    else if (name === 'c') this.#beginCell(at);
    else if (name === 'v' && this.#cell !== undefined) {
      this.#cell.stored = true;
      this.#taking = true;
    } else if (name === 'f' && this.#cell !== undefined) this.#cell.formula = true;
    else if (name === 'rPh') this.#phonetic = true;
    else if (name === 't' && this.#cell !== undefined) this.#taking = !this.#phonetic;
    else if (name === 'mergeCell') this.merged += 1;
  }

  close(name: string): void {
    if (name === 'v' || name === 't') this.#taking = false;
    else if (name === 'rPh') this.#phonetic = false;
    else if (name === 'c') this.#endCell();
    else if (name === 'row') this.#endRow();
  }

  text(text: string): void {
    if (this.#taking) this.#text += text;
  }

  #endRow(): void {
    this.#in_row = false;
    this.#row(this.#number, this.#cells);
  }

  #beginRow(stated: string | undefined): void {
    if (this.#in_row) throw this.#damaged(`row ${stated} stands within row ${this.#number}`);
    this.#in_row = true;
    const number = stated === undefined ? this.#number + 1 : Number(stated);
    if (!Number.isInteger(number) || number <= this.#number || number > ROWS_MAX)
      throw this.#damaged(`row ${stated} follows row ${this.#number}`);
    this.#number = number;
    this.#cells = new Map();
    this.#last_column = -1;
  }

  #beginCell(at: Readonly<Record<string, string>>): void {
    const stated = at['r'];
    const column = stated === undefined ? this.#last_column + 1 : columnOf(stated, this.#number);
    if (column === undefined || column <= this.#last_column || column >= COLUMNS_MAX)
      throw this.#damaged(`cell ${stated} follows column ${columnLetters(this.#last_column)} of row ${this.#number}`);
    this.#last_column = column;
    this.#text = '';
    this.#cell = { column, type: at['t'] ?? 'n', style: Number(at['s'] ?? 0), formula: false, stored: false };
  }

  #endCell(): void {
    const cell = this.#cell;
    this.#cell = undefined;
    if (cell === undefined) return;
    if (cell.formula && !cell.stored)
      throw new UnitFault(
        'no_stored_value',
        `cell ${columnLetters(cell.column)}${this.#number} has a formula whose value is not stored; open the file in a spreadsheet program and save it`,
        { line: this.#number },
      );
    const value = this.#valueOf(cell.type, cell.style, cell.column);
    if (value !== undefined) this.#cells.set(cell.column, value);
  }

  /** Undefined for nothing: an empty cell, an empty text, and #N/A, which says that there is no value. Other errors stay texts. */
  #valueOf(type: string, style: number, column: number): string | undefined {
    const text = this.#text;
    if (text === '') return undefined;
    switch (type) {
      case 's':
        return this.#shared(text, column);
      case 'str':
      case 'inlineStr':
      case 'd':
        return JSON.stringify(unescaped(text));
      case 'b':
        if (!/^(0|1|true|false)$/.test(text)) throw this.#bad(text, column);
        return isTrue(text) ? 'true' : 'false';
      case 'e':
        return text === '#N/A' ? undefined : JSON.stringify(text);
      case 'n':
        return this.#numeric(text, style, column);
      default:
        throw this.#bad(`type ${type}`, column);
    }
  }

  #shared(text: string, column: number): string | undefined {
    const shared = /^\d+$/.test(text) ? this.#book.texts[Number(text)] : undefined;
    if (shared === undefined) throw this.#bad(`text number ${text}`, column);
    return shared === '' ? undefined : JSON.stringify(shared);
  }

  #numeric(text: string, style: number, column: number): string {
    const token = numberToken(text);
    if (token === undefined) throw this.#bad(text, column);
    const kind = this.#book.kinds[style];
    const date = kind === undefined ? undefined : dateText(Number(text), kind, this.#book.from_1904);
    return date === undefined ? token : JSON.stringify(date);
  }

  #bad(what: string, column: number): UnitFault {
    return this.#damaged(`cell ${columnLetters(column)}${this.#number} holds ${JSON.stringify(what)}`);
  }

  #damaged(reason: string): UnitFault {
    return new UnitFault('damaged_xlsx', reason, { line: this.#number });
  }
}

/** Column of a reference like `BC12` from 0; undefined when it is not one of this row. */
function columnOf(reference: string, row: number): number | undefined {
  const [, letters, number] = /^([A-Z]{1,3})(\d+)$/.exec(reference) ?? [];
  if (letters === undefined || Number(number) !== row) return undefined;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/** `A` for 0, `AA` for 26. */
export function columnLetters(column: number): string {
  let letters = '';
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters;
  return letters;
}
