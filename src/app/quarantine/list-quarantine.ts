import type { QuarantineFilter } from '../../core/model/quarantine.ts';
import type { DecisionEntry, Ledger } from '../../core/ports/ledger.ts';

export const QUARANTINE_STATES = ['open', 'pending', 'fixed', 'replayed', 'discarded', 'undone'] as const;
export type QuarantineState = (typeof QUARANTINE_STATES)[number];

/** Rejected rows of one table, rule, file and run that are in the same state. */
export interface QuarantineGroup {
  readonly state: QuarantineState;
  readonly table: string;
  readonly rule: string;
  readonly file: string;
  readonly rows: number;
  /** The run that put them aside. */
  readonly run_id: string;
  /** The run that closed them. */
  readonly closed_by_run: string | null;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
  readonly why: string | null;
}

/** What lies or lay in quarantine, from the ledger alone: open groups first, then decisions in their order. */
export function listQuarantine(
  ledger: Ledger,
  options: { readonly table?: string; readonly state?: QuarantineState; readonly filter: QuarantineFilter },
): readonly QuarantineGroup[] {
  const open = ledger.quarantine(options.table).map(
    (group): QuarantineGroup => ({
      state: 'open',
      ...group,
      closed_by_run: null,
      decided_by: null,
      decided_at: null,
      why: null,
    }),
  );
  const decided = ledger.decisions(options.table).flatMap(groupsOf);
  const { rule, file, run } = options.filter;
  return [...open, ...decided].filter(
    (group) =>
      (options.state === undefined || group.state === options.state) &&
      (rule === undefined || group.rule === rule) &&
      (file === undefined || group.file === file || group.file.endsWith(`/${file}`)) &&
      (run === undefined || group.run_id.startsWith(run)),
  );
}

const STATES = { fix: 'fixed', replay: 'replayed', discard: 'discarded' } as const;

/** Rows that were rejected again are among the open ones. */
function groupsOf(decision: DecisionEntry): readonly QuarantineGroup[] {
  const { undone_by } = decision;
  const waiting = undone_by === undefined && decision.applied_run_id === undefined && decision.action !== 'discard';
  return decision.groups.flatMap((group) => {
    const rows = group.rows - (undone_by === undefined ? (group.returned ?? 0) : 0);
    if (rows === 0) return [];
    return {
      state: undone_by !== undefined ? 'undone' : waiting ? 'pending' : STATES[decision.action],
      table: decision.table,
      rule: group.rule,
      file: group.file,
      rows,
      run_id: group.quarantine_run_id,
      closed_by_run: waiting || undone_by !== undefined ? null : (decision.applied_run_id ?? decision.run_id),
      decided_by: decision.decided_by,
      decided_at: decision.decided_at,
      why: decision.why ?? null,
    };
  });
}
