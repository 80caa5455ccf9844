import type {
  ColumnParity,
  ParityExample,
  ParityOrigin,
  RowsParity,
  TableParity,
  Texts,
} from '../../core/model/parity.ts';
import { isEqual } from '../../core/planning/parity.ts';
import { escapeControls, wrapWords } from '../../kit/terminal-text.ts';
import type { Printer } from '../printer.ts';

/** Values of a row that are shown; of the others their number. */
const CELLS_MAX = 8;
const VALUE_CHARS_MAX = 60;

/** What differs in a table: columns, the first rows of each kind, and where those come from. Says nothing of one that does not. */
export function printDifferences(printer: Printer, table: TableParity, engine: string): void {
  const line = (indent: string, text: string): void => {
    for (const one of wrapWords(`${indent}${escapeControls(text)}`, printer.width, `${indent}  `))
      printer.text(one.trimEnd());
  };
  const title = (text: string): void => {
    printer.text('');
    printer.text(printer.style.bold(escapeControls(text)));
  };
  if (table.refusals.length > 0) {
    title(table.table);
    for (const { line: at, column, construct, remedy } of table.refusals) {
      line('  ', at === undefined ? construct : `line ${at}, column ${column} of its query: ${construct}`);
      line('    ', remedy);
    }
  }
  for (const [rows, what] of [
    [table.accepted, ''],
    [table.rejected, ': rejected rows'],
  ] as const) {
    if (rows === null || isEqual(rows)) continue;
    title(`${table.table}${what}`);
    for (const one of rows.columns)
      line('  ', `column ${one.column}: ${typeOrNothing(one.here)} here, ${typeOrNothing(one.there)} on ${engine}`);
    for (const example of rows.examples) printExample(line, example, rows, engine);
  }
}

type Line = (indent: string, text: string) => void;

function printExample(line: Line, example: ParityExample, { key }: RowsParity, engine: string): void {
  const titles: Readonly<Record<ParityExample['kind'], string>> = {
    changed: 'different',
    only_here: 'only here',
    only_there: `only on ${engine}`,
  };
  line('  ', `${titles[example.kind]}: ${rowText(example.row, key)}`);
  for (const one of example.differs) line('    ', differsText(one, engine));
  for (const origin of example.origins) line('    ', `from ${originText(origin)}`);
  for (const note of example.notes) line('    ', `(${note})`);
}

function typeOrNothing(type: string | null): string {
  return type ?? 'not there';
}

/** The key first. */
function rowText(row: Texts, key: readonly string[]): string {
  const names = Object.keys(row);
  const ordered = [...key.filter((name) => names.includes(name)), ...names.filter((name) => !key.includes(name))];
  const shown = ordered.slice(0, CELLS_MAX).map((name) => `${name} = ${valueText(row[name] ?? null)}`);
  const more = ordered.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more columns` : ''}`;
}

function differsText({ column, here, there }: ColumnParity, engine: string): string {
  return `${column}: ${valueText(here)} here, ${valueText(there)} on ${engine}`;
}

function valueText(value: string | null): string {
  if (value === null) return 'NULL';
  const short = value.length > VALUE_CHARS_MAX ? `${value.slice(0, VALUE_CHARS_MAX)}…` : value;
  return short === '' || /^\s|\s$|[,=]/.test(short) ? `'${short}'` : short;
}

function originText({ name, rows, lines }: ParityOrigin): string {
  const count = `${rows} ${rows === 1 ? 'row' : 'rows'}`;
  if (lines.length === 0) return `${name}: ${count}`;
  const more = rows > lines.length ? ', …' : '';
  return `${name}: ${count}, ${lines.length === 1 && more === '' ? 'line' : 'lines'} ${lines.join(', ')}${more}`;
}
