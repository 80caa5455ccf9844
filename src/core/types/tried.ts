import { quoteText } from '../../kit/sql.ts';
import type { RecordCheck } from '../model/record-check.ts';
import type { Column } from '../model/table.ts';
import { lossSql } from './loss.ts';

/** Raw text of a rejected record is cut here (characters). */
export const RAW_CHARS_MAX = 65_536;

/** A number that such a column cannot hold is too large for it, not of another kind. */
const NUMERIC = /^(tiny|small|big|huge)?int(eger)?$|^decimal\(/;

/** A column whose value is tried: what was read and what it became, as SQL. */
export interface Tried {
  readonly column: Column;
  /** What was read; NULL means that there is no value. */
  readonly read: string;
  readonly value: string;
  /** A column that must have no value. */
  readonly forbidden?: boolean;
  /** False when the value cannot fail (it has its type already). */
  readonly may_fail: boolean;
  /** Condition under which the value is not what was read, in place of {@link lossSql}. */
  readonly loss?: string;
  /** A check of the source's own, in place of the column's type. */
  readonly check?: RecordCheck;
  /** The text of what was read, where that is not what a cast gives. */
  readonly text?: string;
}

/** Condition under which a column's value does not fit; never NULL. */
export function misfitSql(tried: Tried): string {
  const { column, read, value, forbidden, check, loss = lossSql(column.type, read, value) } = tried;
  if (forbidden === true) return `(${read} is not null)`;
  if (check !== undefined)
    return check.min === undefined
      ? `(nullif(trim(${read}), '') is null)`
      : `coalesce(try_cast(${read} as double) < ${check.min}, false)`;
  return `case when ${read} is null then false when ${value} is null then true else ${loss ?? 'false'} end`;
}

/** The first column that does not fit, and why, for a row that has one. `inferred`: columns whose type nobody declared. */
export function culpritSql(
  tried: readonly Tried[],
  inferred: readonly string[] = [],
): { readonly column_name: string; readonly error: string } {
  const fallible = tried.filter((one) => one.may_fail);
  if (fallible.length === 0) return { column_name: 'cast(null as varchar)', error: `'does not fit'` };
  const names = fallible.map((one) => `when ${misfitSql(one)} then ${quoteText(one.column.name)}`);
  const reasons = fallible.map((one) => {
    if (one.forbidden === true) {
      const told = `column ${one.column.name} is not declared but has a value (schema_change: discard_row)`;
      return `when ${misfitSql(one)} then ${quoteText(told)}`;
    }
    const text = one.text ?? `cast(${one.read} as varchar)`;
    const shown = `left(${text}, 80)`;
    if (one.check !== undefined) {
      const { says, min } = one.check;
      const told = min === undefined ? '' : ` || ${shown} || ${quoteText(`, less than ${min}`)}`;
      return `when ${misfitSql(one)} then ${quoteText(says)}${told}`;
    }
    const hint = inferred.includes(one.column.name) ? ' (the type was inferred; declare another under columns)' : '';
    const says = quoteText(`${one.column.name} is no ${one.column.type}: `);
    const lossy = quoteText(` does not fit into ${one.column.type} unchanged${hint}`);
    const large = NUMERIC.test(one.column.type)
      ? `${one.value} is null and not coalesce(isfinite(try_cast(${text} as double)), false)`
      : `${one.value} is null`;
    return `when ${misfitSql(one)} then case when ${large} then ${says} || ${shown}${hint === '' ? '' : ` || ${quoteText(hint)}`} else ${quoteText(`${one.column.name}: `)} || ${shown} || ${lossy} end`;
  });
  return { column_name: `case ${names.join(' ')} end`, error: `case ${reasons.join(' ')} else 'does not fit' end` };
}

/** The checks of a request, to be looked at before the types of the columns. */
export function checkedColumns(
  checks: readonly RecordCheck[] | undefined,
  readOf: (name: string) => string,
): readonly Tried[] {
  return (checks ?? []).map((check) => ({
    column: { name: check.column, type: 'varchar', nullable: true },
    read: readOf(check.column),
    value: 'null',
    may_fail: true,
    check,
  }));
}

/** The columns of `forbidden`, to be looked at beside the wanted ones. */
export function forbiddenColumns(
  names: readonly string[] | undefined,
  readOf: (name: string) => string,
): readonly Tried[] {
  return (names ?? []).map((name) => ({
    column: { name, type: 'varchar', nullable: true },
    read: readOf(name),
    value: 'null',
    forbidden: true,
    may_fail: true,
  }));
}
