import { outcomeFrom } from '../../core/model/step-note.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';

/**
 * Where a line of a landed unit was in its source, in the words of the source: `weather/0 offset 4711`. Told from the commit that took the unit: exact where
 * the batch is one stretch without holes and nothing before the line was unreadable, else the stretches of the batch. Undefined for files, and for sources
 * whose records have no numbers.
 */
export async function pulledPlace(
  lake: Lake,
  input: InputRecord,
  line: number | undefined,
): Promise<string | undefined> {
  if (input.version === undefined) return undefined;
  const history = await lake.history({ layer: 'bronze', name: input.source });
  const entry = history.find((one) => one.version === input.version);
  if (entry?.note?.['pulled'] === undefined) return undefined;
  const { pulled, inputs = [], quarantine = [] } = outcomeFrom(entry.note, entry.version, entry.committed_at_ms);
  // A stretch without length only says where a stream begins.
  const spans = (pulled?.spans ?? []).filter(({ from, next }) => next > from);
  const [span] = spans;
  if (span === undefined) return undefined;
  const at = inputs.findIndex((one) => one.path === input.path);
  const before = inputs.slice(0, at).reduce((sum, one) => sum + one.records, 0);
  const unreadable = quarantine.some(({ file, rule }) => file === input.path && rule !== 'unreadable_record');
  if (line !== undefined && spans.length === 1 && span.holes === 0 && at >= 0 && !unreadable)
    return `${span.stream} offset ${span.from + before + line - input.first_record_line}`;
  return spans.map(({ stream, from, next }) => `${stream} ${from}..${next - 1}`).join(', ');
}
