import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { ParseRequest } from '../../core/ports/engine.ts';
import { misfitSql, type Tried } from '../../core/types/tried.ts';
import type { ValueForm } from '../../kit/json-members.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { NESTED, triedNested } from './parse-json.ts';
import { fileId, type Split, uriList } from './parse-parts.ts';

/** A longer record fails the quick way; the reader takes twice as much memory for each thread. */
const RECORD_BYTES_MAX = 2 * 1024 * 1024;

/** Column types into which the engine's JSON reader takes every value of a form over as it is written. */
const STRAIGHT: Partial<Readonly<Record<ValueForm, ReadonlySet<string>>>> = {
  whole: new Set(['bigint', 'double']),
  number: new Set(['double']),
  text: new Set(['varchar']),
  instant: new Set(['varchar']),
  boolean: new Set(['boolean']),
};

/** How a column is read: as which type, and what is made of that. */
interface PlainColumn {
  readonly read_as: string;
  readonly tried: Tried;
}

/**
 * Lines whose writer counted them and says how each member is written go straight into their columns, in one pass over the text without an exact look at each
 * value. Nothing where the text itself has to be asked: long numbers, members with values of several kinds, checks.
 */
export function plainRows(request: ParseRequest): Pick<Split, 'quick'> {
  const { format, files, forms, records, columns, checks = [], forbidden = [], exact = [] } = request;
  const asked = checks.length > 0 || forbidden.length > 0 || request.strict_records === true;
  const packed = files.some((file) => (file.compression ?? 'none') !== 'none');
  if (format !== 'ndjson' || forms === undefined || records === undefined || asked || packed) return {};
  const plain = columns.flatMap((column) => plainColumn(column, forms[column.name], exact.includes(column.name)) ?? []);
  if (plain.length < columns.length || columns.length === 0) return {};
  const read = plain.map(({ read_as, tried }) => `${quoteText(tried.column.name)}: ${quoteText(read_as)}`);
  const options = [
    `format='newline_delimited'`,
    `columns={${read.join(', ')}}`,
    `compression='uncompressed'`,
    `maximum_object_size=${RECORD_BYTES_MAX}`,
  ];
  const values = plain.map(({ tried }) => `${tried.value} as ${quoteIdent(tried.column.name)}`);
  const misfits = plain.filter(({ tried }) => tried.may_fail).map(({ tried }) => `not ${misfitSql(tried)}`);
  return {
    quick: `select ${[...values, `${fileId(files)} as ${quoteIdent(SOURCE_FILE_COLUMN)}`].join(', ')}
      from read_json(${uriList(files)}, ${options.join(', ')})${misfits.length === 0 ? '' : ` where ${misfits.join(' and ')}`}`,
  };
}

/** Undefined: a value of this form has to be looked at in the text of its record. A member without a form has no value at all. */
function plainColumn(column: Column, form: ValueForm | undefined, exact: boolean): PlainColumn | undefined {
  const read = quoteIdent(column.name);
  const { type } = column;
  if (form === 'other') return undefined;
  if (form !== undefined && (exact || STRAIGHT[form]?.has(type) === true))
    return { read_as: type, tried: { column, read, value: read, may_fail: false } };
  if (NESTED.test(type)) return { read_as: 'JSON', tried: triedNested(column, read) };
  if (type === 'varchar') return { read_as: 'VARCHAR', tried: { column, read, value: read, may_fail: false } };
  const tried: Tried = { column, read, value: `try_cast(${read} as ${type})`, may_fail: true };
  // What is written so plainly is either that instant or none.
  const sure = form === 'instant' && type === 'timestamptz';
  return { read_as: 'VARCHAR', tried: sure ? { ...tried, loss: 'false' } : tried };
}
