import { quoteIdent } from '../../kit/sql.ts';
import type { Column } from '../model/table.ts';
import { castBackLoss } from './loss.ts';
import type { Tried } from './tried.ts';
import { isWider } from './widening.ts';

/**
 * A column of a format with types of its own (Parquet): what has the wanted type passes as it is, another one is cast and must survive it.
 * @param type that the file has; undefined where it lacks the column
 */
export function triedTyped(column: Column, type: string | undefined): Tried {
  const read = quoteIdent(column.name);
  if (type === column.type) {
    const loss = beyondDecimal(column.type, read);
    return { column, read, value: read, may_fail: loss !== undefined, ...(loss === undefined ? {} : { loss }) };
  }
  // Nothing is lost by it, and nothing has to be looked at; but a decimal may hold more digits than it says.
  if (type !== undefined && !type.startsWith('decimal') && isWider(column.type, type))
    return { column, read, value: `cast(${read} as ${column.type})`, may_fail: false };
  const value = `try_cast(${read} as ${column.type})`;
  // Text in a Parquet file is judged like any text; what had another type must be the same when it is cast back.
  const typed = type !== undefined && type !== 'varchar' && column.type !== 'varchar';
  return { column, read, value, may_fail: true, ...(typed ? { loss: castBackLoss(type, read, value) } : {}) };
}

/** A Parquet file stores a decimal as an integer, and the engine believes that it has no more digits than its type allows. */
function beyondDecimal(type: string, value: string): string | undefined {
  const [, precision, scale] = /^decimal\((\d+),\s*(\d+)\)$/.exec(type) ?? [];
  if (precision === undefined || scale === undefined) return undefined;
  return `abs(cast(${value} as double)) >= 1e${Number(precision) - Number(scale)}`;
}
