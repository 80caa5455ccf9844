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
  /** The one row stands for a file that was refused as a whole; known as long as it is open. */
  readonly whole_file: boolean;
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
  const isRefused = refusedFiles(ledger);
  const open = ledger.quarantine(options.table).map(
    (group): QuarantineGroup => ({
      state: 'open',
      ...group,
      whole_file: isRefused(group),
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

/** Tells which groups are files that were refused as a whole; sources are looked up when that may be. */
function refusedFiles(ledger: Ledger): (group: Pick<QuarantineGroup, 'table' | 'file' | 'rule' | 'rows'>) => boolean {
  const refused = new Map<string, ReadonlySet<string>>();
  return ({ table, file, rule, rows }) => {
    if (!table.startsWith('bronze.') || rows !== 1 || rule === UNREADABLE_RECORD) return false;
    const source = table.slice('bronze.'.length);
    const paths =
      refused.get(source) ??
      new Set(ledger.inputs(source).flatMap(({ path, status }) => (status === 'quarantined' ? [path] : [])));
    refused.set(source, paths);
    return paths.has(file);
  };
}

/** The rule of records that stand in files which were taken otherwise. */
const UNREADABLE_RECORD = 'unreadable_record';

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
      whole_file: false,
      run_id: group.quarantine_run_id,
      closed_by_run: waiting || undone_by !== undefined ? null : (decision.applied_run_id ?? decision.run_id),
      decided_by: decision.decided_by,
      decided_at: decision.decided_at,
      why: decision.why ?? null,
    };
  });
}
