import type { TableId } from '../../core/model/table.ts';
import type { HistoryEntry } from '../../core/ports/lake.ts';
import type { QuarantineCount } from '../../core/ports/ledger.ts';
import type { OpenProject } from '../run/open-project.ts';

export type Histories = ReadonlyMap<string, readonly HistoryEntry[]>;

/** What an undo is about to do, found without changing anything. */
export interface UndoPlanning {
  readonly open: Pick<OpenProject, 'lake' | 'ledger' | 'graph'>;
  readonly histories: Histories;
  readonly run_ids: readonly string[];
  /** This run and all after it are undone. */
  readonly since_run: string;
  /** The undo's own run. */
  readonly run_id: string;
  readonly started_at: string;
  /** A remark for the person at the terminal. */
  notice(line: string): void;
  /** Rejected rows of a quarantine version, by run, rule and file. */
  countRejects(quarantine: TableId, version: number, step: string): Promise<readonly QuarantineCount[]>;
}
