import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { DialectRefusal } from '../../../core/ports/dialect.ts';

const TOLD_MAX = 3;

/** What stands in the way of a query, as an error; the caller sets the file of its place. @param lines_before of ours, before the query. */
export function refusal(refusals: readonly DialectRefusal[], lines_before: number): DataflowError {
  const [first] = refusals;
  const told = refusals.slice(0, TOLD_MAX).map((one) => one.construct);
  const more = refusals.length > TOLD_MAX ? `, and ${refusals.length - TOLD_MAX} more` : '';
  return new DataflowError('E_ENGINE_DIALECT', `Spark has no equal for ${told.join('; ')}${more}`, {
    ...(first === undefined ? {} : { hint: first.remedy }),
    ...(first?.line === undefined
      ? {}
      : { place: { file: '', line: Math.max(1, first.line - lines_before), column: first.column ?? 1 } }),
  });
}
