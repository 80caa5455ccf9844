import type { SyncReport } from '../../app/mirror/sync-report.ts';
import type { TransferProgress } from '../../app/mirror/transfer.ts';
import type { SyncEventLine } from '../../core/contract/sync-events.ts';
import { type CommandEnd, EachSecond, endStatus, problemIn, progressOf } from './event-lines.ts';

type Without<T> = T extends unknown ? Omit<T, 'time'> : never;
type Line = Without<SyncEventLine>;
type Finished = Extract<Line, { event: 'sync_finished' }>;

const EXIT_PARTIAL = 4;

/** Prints syncs as events, one JSON object a line. */
export class SyncEventLines {
  readonly #print: (line: SyncEventLine) => void;
  readonly #command: string;
  readonly #started_ms = performance.now();
  readonly #counts = { synced: 0, up_to_date: 0, planned: 0, failed: 0 };
  #each = new EachSecond();
  #mirror = '';
  #mirror_ms = 0;
  #doing: TransferProgress['phase'] | undefined;
  #doing_ms = 0;

  constructor(command: string, print: (line: SyncEventLine) => void) {
    this.#command = command;
    this.#print = print;
  }

  begun(mirror: string, dry_run: boolean): void {
    this.#mirror = mirror;
    this.#mirror_ms = performance.now();
    this.#line({ event: 'sync_started', mirror, command: this.#command, dry_run });
    this.progress({ phase: 'comparing', files: 0, files_total: 0, bytes: 0, bytes_total: 0 });
  }

  progress({ phase, ...counts }: TransferProgress): void {
    const now_ms = performance.now();
    if (phase !== this.#doing) {
      this.#doing = phase;
      this.#doing_ms = now_ms;
      this.#each = new EachSecond();
    }
    if (!this.#each.due()) return;
    const { bytes, bytes_total } = counts;
    const share = bytes_total > 0 ? bytes / bytes_total : undefined;
    const far = progressOf(now_ms - this.#mirror_ms, now_ms - this.#doing_ms, share);
    this.#line({ event: 'sync_progress', mirror: this.#mirror, doing: phase, ...counts, ...far });
  }

  note(message: string): void {
    this.#line({ event: 'notice', message });
  }

  ended(report: SyncReport): void {
    const { mirror, lines, dry_run } = report;
    if (dry_run) for (const file of lines) this.#line({ event: 'file_planned', mirror, ...file });
    const status = statusOf(report);
    if (status !== 'partial') this.#counts[status] += 1;
    else this.#counts.synced += 1;
    const { files_equal, files_put, bytes_put, bytes_resumed, files_removed, files_there, bytes_there } = report;
    const { place, release_id, tables, left, wall_ms } = report;
    this.#line({
      ...{ event: 'sync_finished', mirror, status, place, release_id, tables },
      ...{ files_equal, files_put, bytes_put, bytes_resumed, files_removed, files_there, bytes_there },
      left: [...left],
      wall_ms,
      error: null,
    });
  }

  failed(mirror: string, error: unknown): void {
    this.#counts.failed += 1;
    this.#line({
      ...{ event: 'sync_finished', mirror, status: 'failed', place: null, release_id: null, tables: 0 },
      ...{ files_equal: 0, files_put: 0, bytes_put: 0, bytes_resumed: 0, files_removed: 0 },
      ...{ files_there: null, bytes_there: null, left: [] },
      wall_ms: Math.round(performance.now() - this.#mirror_ms),
      error: problemIn(error),
    });
  }

  end(how: CommandEnd): void {
    const { exit_code, error } = how;
    const { synced, planned, up_to_date, failed } = this.#counts;
    const wall_ms = Math.round(performance.now() - this.#started_ms);
    const some_failed = failed > 0 && synced + planned + up_to_date > 0 && !how.interrupted;
    const status = some_failed ? 'partial' : endStatus(how, synced + planned, EXIT_PARTIAL);
    this.#line({ event: 'syncs_finished', status, ...this.#counts, exit_code, wall_ms, error });
  }

  #line({ event, ...rest }: Line): void {
    this.#print({ event, time: new Date().toISOString(), ...rest } as SyncEventLine);
  }
}

function statusOf({ left, up_to_date, dry_run }: SyncReport): Exclude<Finished['status'], 'failed'> {
  if (left.length > 0) return 'partial';
  if (up_to_date) return 'up_to_date';
  return dry_run ? 'planned' : 'synced';
}
