import type { CommandLine } from '../../core/ports/server.ts';
import type { LiveState, TableDetail } from './live-state.ts';

/** What the terminal view is given: it reaches nothing by itself. */
export interface WatchRequest {
  /** The state as it is now; undefined when nothing has changed since the last call. */
  read(): Promise<LiveState | undefined>;
  /** Schema, versions and rejected rows of a table. */
  detail(table: string): Promise<TableDetail>;
  /** The lines that `why` prints, broken to so many cells. */
  why(table: string, cells: number): Promise<readonly string[]>;
  /** How `dataflow <words>` is started here. */
  commandOf(words: readonly string[]): CommandLine;
  readonly color: boolean;
  /** No other signs than those of ASCII. */
  readonly ascii: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** The view as its own script exports it. */
export interface TerminalView {
  /** Shows the view until it is left. Resolves with lines for the terminal that is as it was before. */
  watch(request: WatchRequest): Promise<readonly string[]>;
}
