import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { InspectRequest } from '../../core/ports/format.ts';
import type { CopyWriter } from '../stream/copy-writer.ts';
import { headerNames } from '../stream/header-names.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { columnLetters, type Row } from './sheet.ts';

/**
 * Writes the rows of a sheet as NDJSON in which line = row: what is not a record is a blank line. Every record names all columns of the header;
 * a value in a column without a name goes under the column's letter.
 */
export class SheetRecords {
  records = 0;
  first_row = 1;
  blank_rows = 0;
  readonly #copy: CopyWriter;
  readonly #request: InspectRequest;
  readonly #nulls: ReadonlySet<string>;
  /** By column. */
  #names: Map<number, string> | undefined;
  #last = 0;

  constructor(copy: CopyWriter, request: InspectRequest) {
    this.#copy = copy;
    this.#request = request;
    this.#nulls = new Set((request.options.null_values ?? []).map((text) => JSON.stringify(text)));
  }

  /** Columns in their order; absent when no row had anything. */
  get header(): readonly string[] {
    const names = [...(this.#names ?? [])].sort(([a], [b]) => a - b);
    return names.map(([, name]) => name);
  }

  row(number: number, cells: Row): void {
    if (number <= this.#request.options.skip_lines || cells.size === 0) return;
    if (this.#names === undefined) {
      if (this.#request.options.has_header) {
        this.#names = this.#headerOf(number, cells);
        return;
      }
      const known = (this.#request.columns ?? []).filter((column) => column.name !== SOURCE_FILE_COLUMN);
      this.#names = new Map(known.map(({ name }, at) => [at, name]));
    }
    this.#record(number, cells, this.#names);
  }

  #record(number: number, cells: Row, names: Map<number, string>): void {
    for (const column of cells.keys()) if (!names.has(column)) this.#nameByLetter(names, column, number);
    const members: string[] = [];
    for (const [column, name] of names) {
      const value = cells.get(column);
      members.push(`${JSON.stringify(name)}:${value === undefined || this.#nulls.has(value) ? 'null' : value}`);
    }
    const line = `{${members.join(',')}}\n`;
    if (line.length > this.#request.options.max_line_bytes)
      throw new UnitFault(
        'record_too_long',
        `row ${number} is longer than ${this.#request.options.max_line_bytes} bytes (max_line_bytes)`,
        {
          line: number,
        },
      );
    const blank = number - this.#last - 1;
    if (this.records === 0) this.first_row = number;
    else this.blank_rows += blank;
    this.#copy.write('\n'.repeat(blank) + line);
    this.#last = number;
    this.records += 1;
  }

  #headerOf(number: number, cells: Row): Map<number, string> {
    const columns = [...cells.keys()];
    const texts = columns.map((column) => textOf(cells.get(column) ?? ''));
    return new Map(headerNames(texts, number).map((name, at) => [columns[at] ?? at, this.#asKnown(name)]));
  }

  /** JSON goes by exact names, a header by names without case. */
  #asKnown(name: string): string {
    return this.#request.columns?.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name;
  }

  #nameByLetter(names: Map<number, string>, column: number, number: number): void {
    const letters = this.#asKnown(columnLetters(column));
    if ([...names.values()].some((name) => name.toLowerCase() === letters.toLowerCase()))
      throw new UnitFault('bad_header', `column ${letters} has values and no name, and another column is named so`, {
        line: number,
      });
    names.set(column, letters);
  }
}

function textOf(value: string): string {
  return value.startsWith('"') ? (JSON.parse(value) as string) : value;
}
