import type { ColumnFacts, SourceFacts } from './facts.ts';
import type { ColumnPlan, DataFormat, Fault } from './plan-types.ts';

/** The faults that the rules of a source can find, plus blanks and upper case where cleaning removes them. */
export function faultsOf(columns: readonly ColumnPlan[], facts: SourceFacts, format: DataFormat): readonly Fault[] {
  const faults = columns.flatMap((column) => columnFaults(column, facts.get(column.name.toLowerCase()), format));
  const last = columns.at(-1);
  if (format === 'csv' && columns.length > 1 && last !== undefined)
    faults.push(fault('short_line', last, { unparsable: true }));
  return faults;
}

function columnFaults(column: ColumnPlan, facts: ColumnFacts | undefined, format: DataFormat): Fault[] {
  if (facts === undefined) return [];
  const faults: Fault[] = [];
  if (facts.required) faults.push(fault('missing_value', column));
  if (column.maker.kind === 'number') faults.push(...numberFaults(column, facts, format));
  else if (column.maker.kind === 'date' || column.maker.kind === 'timestamp')
    faults.push(...dateFaults(column, facts, format));
  else if (column.type === 'varchar') faults.push(...textFaults(column, facts));
  if (facts.reference !== undefined && column.maker.kind === 'reference' && column.type !== 'uuid')
    faults.push(fault('orphan_reference', column));
  if (facts.is_key && column.maker.kind === 'sequence') faults.push(fault('duplicate_key', column));
  return faults;
}

/** Whether a text that is no value of the column's type can be written at all, and if so, whether bronze refuses it. */
function strayText(
  column: ColumnPlan,
  format: DataFormat,
): { readonly possible: boolean; readonly unparsable: boolean } {
  const isText = column.type === 'varchar';
  return { possible: isText || format === 'csv', unparsable: !isText };
}

function numberFaults(column: ColumnPlan, facts: ColumnFacts, format: DataFormat): Fault[] {
  const faults: Fault[] = [];
  if (typeof facts.lower === 'number') faults.push({ ...fault('below_range', column), limit: facts.lower });
  if (typeof facts.upper === 'number') faults.push({ ...fault('above_range', column), limit: facts.upper });
  const { possible, unparsable } = strayText(column, format);
  if (possible) faults.push(fault('not_a_number', column, { unparsable }));
  return faults;
}

function dateFaults(column: ColumnPlan, facts: ColumnFacts, format: DataFormat): Fault[] {
  const { possible, unparsable } = strayText(column, format);
  const faults = possible ? [fault('bad_date', column, { unparsable })] : [];
  return facts.not_future ? [...faults, fault('future_date', column)] : faults;
}

function textFaults(column: ColumnPlan, facts: ColumnFacts): Fault[] {
  const faults: Fault[] = [];
  const is_email = column.maker.kind === 'vocabulary' && column.maker.words === 'email';
  if (facts.has_at_sign && is_email) faults.push(fault('email_without_at', column));
  if (facts.accepted !== undefined) faults.push(fault('unknown_value', column));
  if (facts.title_cased) faults.push(fault('untidy_text', column, { harmless: true }));
  return faults;
}

function fault(
  kind: Fault['kind'],
  column: ColumnPlan,
  more: { readonly unparsable?: boolean; readonly harmless?: boolean } = {},
): Fault {
  return { kind, column: column.name, unparsable: more.unparsable ?? false, harmless: more.harmless ?? false };
}
