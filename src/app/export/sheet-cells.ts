import type { Column } from '../../core/model/table.ts';
import { columnLetters, SHEET_STYLES } from '../../core/ports/workbook.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { cellKind, textSql } from './cell-text.ts';

/** Digits that a spreadsheet keeps of a number; it reads `12345678901234567890` as 12345678901234500000. */
const DIGITS = 15;
/** Before it the calendar of spreadsheets has a day that never was. */
const FIRST_DAY = '1900-03-01';
const LAST_DAY = '9999-12-31';

/** Rows as `<row>` elements, one column of text. The engine writes them; what a cell could not hold exactly is text. */
export function sheetRowsSql(columns: readonly Column[], from: string, formula_safe: boolean): string {
  let number = '_row';
  while (columns.some(({ name }) => name.toLowerCase() === number)) number = `_${number}`;
  const cells = columns.map((column, index) => {
    const at = `' r="${columnLetters(index)}' || ${number} || '"'`;
    return `coalesce(${cellSql(column, at, formula_safe)}, '')`;
  });
  return `select '<row r="' || ${number} || '">' || ${cells.join(' || ')} || '</row>' as "row"
    from (select *, row_number() over () + 1 as ${number} from ${from})`;
}

function cellSql(column: Column, at: string, formula_safe: boolean): string {
  const value = quoteIdent(column.name);
  const text = `'<c' || ${at} || ' t="inlineStr"><is><t xml:space="preserve">' || ${xmlText(textSql(column, formula_safe))} || '</t></is></c>'`;
  const number = numberSql(column);
  if (number === undefined) return text;
  const exact = exactSql(column);
  const cell = `'<c' || ${at} || '${number.kind}><v>' || ${number.value} || '</v></c>'`;
  return exact === undefined
    ? cell
    : `case when ${value} is null then null when ${exact} then ${cell} else ${text} end`;
}

function numberSql(column: Column): { readonly kind: string; readonly value: string } | undefined {
  const value = quoteIdent(column.name);
  switch (cellKind(column)) {
    case 'whole':
    case 'decimal':
    case 'floating':
      return { kind: '', value: `cast(${value} as varchar)` };
    case 'boolean':
      return { kind: ' t="b"', value: `cast(cast(${value} as integer) as varchar)` };
    case 'date':
      return { kind: ` s="${SHEET_STYLES.date}"`, value: `datediff('day', date '1899-12-30', ${value})` };
    case 'instant':
      return {
        kind: ` s="${SHEET_STYLES.datetime}"`,
        value: `cast(epoch_ms(${value}) / 86400000.0::double + 25569 as varchar)`,
      };
    default:
      return undefined;
  }
}

/** When a number in a cell is the value itself; undefined: always, or (for text) never. */
export function exactSql(column: Column): string | undefined {
  const value = quoteIdent(column.name);
  const within = (day: string): string => `${day} between date '${FIRST_DAY}' and date '${LAST_DAY}'`;
  switch (cellKind(column)) {
    case 'whole':
      return column.type === 'bigint' ? `${value} between -${'9'.repeat(DIGITS)} and ${'9'.repeat(DIGITS)}` : undefined;
    case 'decimal': {
      if (Number(/\d+/.exec(column.type)?.[0]) <= DIGITS) return undefined;
      return `length(trim(replace(ltrim(cast(${value} as varchar), '-'), '.', ''), '0')) <= ${DIGITS}`;
    }
    case 'floating':
      return `isfinite(${value})`;
    case 'date':
      return within(value);
    case 'instant': {
      const plain = column.type === 'timestamptz' ? `(${value} at time zone 'UTC')` : value;
      return `isfinite(${value}) and ${within(`cast(${plain} as date)`)} and microsecond(${plain}) % 1000 = 0`;
    }
    default:
      return undefined;
  }
}

/** Characters that XML has no place for are written the way spreadsheets do, `_x0007_`; text that looks like that is kept from being read so. */
function xmlText(text: string): string {
  const plain = `replace(replace(replace(${text}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')`;
  const codes = [
    ...Array.from({ length: 32 }, (_, code) => code).filter((code) => code !== 9 && code !== 10),
    0xfffe,
    0xffff,
  ];
  const odd = codes.reduce(
    (sql, code) => `replace(${sql}, chr(${code}), '_x${code.toString(16).toUpperCase().padStart(4, '0')}_')`,
    `replace(${plain}, '_x', '_x005F_x')`,
  );
  const strange = `'[\\x00-\\x08\\x0b-\\x1f\\x{FFFE}\\x{FFFF}]|_x[0-9A-Fa-f]{4}_'`;
  return `case when regexp_matches(${text}, ${strange}) then ${odd} else ${plain} end`;
}

/** Length of the text of a cell as spreadsheets count it, in units of UTF-16; undefined for a column that is never so long. */
export function lengthSql(column: Column, formula_safe: boolean): string | undefined {
  if (cellKind(column) !== 'text') return undefined;
  const text = textSql(column, formula_safe);
  return `length(${text}) + strlen(regexp_replace(${text}, '[^\\x{10000}-\\x{10FFFF}]', '', 'g')) // 4`;
}
