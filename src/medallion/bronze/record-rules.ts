import type { RecordCheck } from '../../core/model/record-check.ts';
import { quoteText } from '../../kit/sql.ts';

/** The rule of a record that could not be read into its columns. */
export const UNREADABLE = 'unreadable_record';

/** SQL text: the rule that rejected a record, by how the engine's reason begins. */
export function rejectRuleSql(checks: readonly RecordCheck[] | undefined, reason: string): string {
  const own = (checks ?? []).map(
    ({ says, rule }) => `when starts_with(${reason}, ${quoteText(says)}) then ${quoteText(rule)}`,
  );
  return own.length === 0 ? quoteText(UNREADABLE) : `case ${own.join(' ')} else ${quoteText(UNREADABLE)} end`;
}
