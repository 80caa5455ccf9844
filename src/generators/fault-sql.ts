import { quoteText } from '../kit/sql.ts';
import { choose, draw, drawBelow } from './draw.ts';
import type { ColumnPlan, DataPlan, Fault, SourcePlan } from './plan-types.ts';
import type { RowNumbers, ValueContext } from './value-sql.ts';

/** Shares are drawn in parts of a million. */
const PARTS = 1_000_000;

const BAD_DATES = ['2024-02-30', '2023-13-01', '31/12/2023', 'hier', '0000-00-00'];
const BAD_NUMBERS = ['abc', '12,50', '1 234.5', '--', 'N/A'];

/** A duplicate repeats the key of one of so many rows before it. */
const DUPLICATE_REACH = 1000;

/** SQL of the row's fault: its number from 1, or 0. Harmless ones come in addition to the share of faulty rows, in the same share. */
export function faultNumberSql(plan: DataPlan, source: SourcePlan, row: string): string {
  const wrong = numbered(source, false);
  const harmless = numbered(source, true);
  if (plan.bad_share === 0 || wrong.length + harmless.length === 0) return '0';
  const share = Math.round(plan.bad_share * PARTS);
  const roll = drawBelow(plan, row, `${source.name}?`, PARTS);
  const branches = [];
  // The first row can repeat nothing and always is right.
  branches.push(`when ${row} = 1 then 0`);
  if (wrong.length > 0) branches.push(`when ${roll} < ${share} then ${oneOf(plan, source, row, wrong)}`);
  if (harmless.length > 0)
    branches.push(`when ${roll} between ${share} and ${2 * share - 1} then ${oneOf(plan, source, row, harmless)}`);
  return `case ${branches.join(' ')} else 0 end`;
}

function numbered(source: SourcePlan, harmless: boolean): readonly number[] {
  return source.faults.flatMap((fault, index) => (fault.harmless === harmless ? [index + 1] : []));
}

function oneOf(plan: DataPlan, source: SourcePlan, row: string, numbers: readonly number[]): string {
  return `[${numbers.join(', ')}][1 + ${drawBelow(plan, row, `${source.name}!`, numbers.length)}::integer]`;
}

/**
 * SQL of a column's value in rows with a fault: `clean` unless the fault concerns this column. `f` is the number of the fault.
 * The result is text if a fault of the column is.
 */
export function faultyValueSql(
  context: ValueContext,
  source: SourcePlan,
  column: ColumnPlan,
  at: RowNumbers,
  clean: string,
): string {
  const cases = source.faults.flatMap((fault, index) => {
    const value = fault.column === column.name ? wrongValue(context, source, fault, at, clean) : undefined;
    return value === undefined ? [] : [`when ${index + 1} then ${value}`];
  });
  if (cases.length === 0) return clean;
  const type = holdsText(source, column) ? 'varchar' : column.type;
  return `cast(case f ${cases.map((one) => one.replace(' then ', ` then cast(`).concat(` as ${type})`)).join(' ')} else cast(${clean} as ${type}) end as ${type})`;
}

/** Whether the column is generated as text: it is declared so, or a fault puts text that does not fit its type. */
export function holdsText(source: SourcePlan, column: ColumnPlan): boolean {
  return (
    column.type === 'varchar' ||
    source.faults.some((fault) => fault.column === column.name && fault.unparsable && fault.kind !== 'short_line')
  );
}

function wrongValue(
  context: ValueContext,
  source: SourcePlan,
  fault: Fault,
  at: RowNumbers,
  clean: string,
): string | undefined {
  const { plan } = context;
  const purpose = `${source.name}.${fault.column}!${fault.kind}`;
  const some = (count: number): string => `${drawBelow(plan, at.own, purpose, count)}::bigint`;
  switch (fault.kind) {
    case 'missing_value':
      return 'null';
    case 'below_range':
      return `${fault.limit ?? 0} - 1 - ${some(100)}`;
    case 'above_range':
      return `${fault.limit ?? 0} + 1 + ${some(1000)}`;
    case 'not_a_number':
      return choose(plan, at.own, purpose, BAD_NUMBERS);
    case 'bad_date':
      return choose(plan, at.own, purpose, BAD_DATES);
    case 'future_date':
      return `date '2999-01-01' + ${some(300)}::integer`;
    case 'email_without_at':
      return `replace(${clean}, '@', '.')`;
    case 'unknown_value':
      return `concat('inconnu-', ${some(1000)})`;
    case 'orphan_reference':
      return `${(context.rows.get(referenced(source, fault)) ?? 0) + 1} + ${some(1000)}`;
    case 'duplicate_key':
      return `${at.own} - 1 - (${draw(plan, at.own, purpose)} % least(${at.own} - 1, ${DUPLICATE_REACH})::ubigint)::bigint`;
    case 'untidy_text':
      return `concat(${quoteText('  ')}, upper(${clean}), ' ')`;
    case 'short_line':
      return undefined;
  }
}

function referenced(source: SourcePlan, fault: Fault): string {
  const maker = source.columns.find((column) => column.name === fault.column)?.maker;
  return maker?.kind === 'reference' ? maker.source : '';
}
