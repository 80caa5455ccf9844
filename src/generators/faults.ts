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
  const isText = column.type === 'varchar';
  const faults: Fault[] = [];
  if (facts.required) faults.push(fault('missing_value', column));
  if (column.maker.kind === 'number') {
    if (typeof facts.lower === 'number') faults.push({ ...fault('below_range', column), limit: facts.lower });
    if (typeof facts.upper === 'number') faults.push({ ...fault('above_range', column), limit: facts.upper });
    if (isText || format === 'csv') faults.push(fault('not_a_number', column, { unparsable: !isText }));
  }
  if (column.maker.kind === 'date' || column.maker.kind === 'timestamp') {
    if (isText || format === 'csv') faults.push(fault('bad_date', column, { unparsable: !isText }));
    if (facts.not_future) faults.push(fault('future_date', column));
  }
  if (facts.has_at_sign && column.maker.kind === 'vocabulary' && column.maker.words === 'email')
    faults.push(fault('email_without_at', column));
  if (facts.accepted !== undefined && isText) faults.push(fault('unknown_value', column));
  if (facts.reference !== undefined && column.maker.kind === 'reference' && column.type !== 'uuid')
    faults.push(fault('orphan_reference', column));
  if (facts.is_key && column.maker.kind === 'sequence') faults.push(fault('duplicate_key', column));
  if (facts.title_cased && isText) faults.push(fault('untidy_text', column, { harmless: true }));
  return faults;
}

function fault(
  kind: Fault['kind'],
  column: ColumnPlan,
  more: { readonly unparsable?: boolean; readonly harmless?: boolean } = {},
): Fault {
  return { kind, column: column.name, unparsable: more.unparsable ?? false, harmless: more.harmless ?? false };
}
