import type { LoadsWatch } from '../../app/load/load-all.ts';
import type { LoadReport, LoadTableReport } from '../../app/load/load-report.ts';
import type { LoadMoving } from '../../app/load/loading.ts';
import type { LoadEventLine } from '../../core/contract/load-events.ts';
import { type CommandEnd, EachSecond, endStatus, problemIn, progressOf } from './event-lines.ts';

type Without<T> = T extends unknown ? Omit<T, 'time' | 'run_id'> : never;
type Line = Without<LoadEventLine>;

const EXIT_PARTIAL = 4;
const NOTHING = { inserts: 0, updates: 0, deletes: 0, refused: 0 };

/** Prints loads as events, one JSON object a line. */
export class LoadEventLines implements LoadsWatch {
  readonly #print: (line: LoadEventLine) => void;
  readonly #command: string;
  readonly #dry_run: boolean;
  readonly #started_ms = performance.now();
  readonly #each = new EachSecond();
  readonly #counts = { loaded: 0, up_to_date: 0, planned: 0, failed: 0 };
  #load = '';
  #run_id: string | null = null;
  #load_ms = 0;
  #moving_ms: number | undefined;
  #told = new Set<string>();

  constructor(command: string, options: { readonly dry_run: boolean }, print: (line: LoadEventLine) => void) {
    this.#command = command;
    this.#dry_run = options.dry_run;
    this.#print = print;
  }

  begun(load: string): void {
    this.#load = load;
    this.#run_id = null;
    this.#load_ms = performance.now();
    this.#moving_ms = undefined;
    this.#told = new Set();
    this.#line({ event: 'load_started', load, command: this.#command, dry_run: this.#dry_run });
  }

  entered(run_id: string): void {
    this.#run_id = run_id;
  }

  progress({ table, rows, share }: LoadMoving): void {
    const now_ms = performance.now();
    this.#moving_ms ??= now_ms;
    if (!this.#each.due()) return;
    const far = progressOf(now_ms - this.#load_ms, now_ms - this.#moving_ms, share);
    this.#line({ event: 'load_progress', load: this.#load, table, rows, ...far });
  }

  put({ statements: _, remarks: __, ...table }: LoadTableReport): void {
    this.#told.add(table.table);
    this.#line({ event: 'table_finished', load: this.#load, ...table });
  }

  note(message: string): void {
    this.#line({ event: 'notice', message });
  }

  ended(report: LoadReport): void {
    const { load, status, place, release_id, tables, inserts, updates, deletes, attempts, refresh_ms, wall_ms } =
      report;
    for (const table of tables) if (!this.#told.has(table.table)) this.put(table);
    this.#counts[status] += 1;
    const refused = tables.reduce((sum, table) => sum + table.refused, 0);
    const moved = { inserts, updates, deletes, refused };
    const head = { event: 'load_finished', load, status, place, release_id } as const;
    this.#line({ ...head, ...moved, attempts, refresh_ms, wall_ms, error: null });
  }

  failed(load: string, error: unknown): void {
    this.#counts.failed += 1;
    const none = { place: null, release_id: null, ...NOTHING, attempts: null, refresh_ms: null };
    const wall_ms = Math.round(performance.now() - this.#load_ms);
    this.#line({ event: 'load_finished', load, status: 'failed', ...none, wall_ms, error: problemIn(error) });
  }

  end(how: CommandEnd): void {
    this.#run_id = null;
    const { exit_code, error } = how;
    const { loaded, planned } = this.#counts;
    const wall_ms = Math.round(performance.now() - this.#started_ms);
    const status = endStatus(how, loaded + planned, EXIT_PARTIAL);
    this.#line({ event: 'loads_finished', status, ...this.#counts, exit_code, wall_ms, error });
  }

  #line({ event, ...rest }: Line): void {
    const head = { event, time: new Date().toISOString(), run_id: this.#run_id };
    this.#print({ ...head, ...rest } as LoadEventLine);
  }
}
