import type { Position } from '../../core/ports/pulled-source.ts';

/**
 * Rows that transactions older than `xid` wrote have been taken. `token` names the history that the number belongs to: server, timeline, table.
 */
export interface Horizon {
  readonly xid: string;
  readonly token: string;
}

/** A round that has begun: from its first snapshot to the row at which it will end. */
export interface Round {
  /** Cursor up to which it goes; null: no row has a cursor yet. */
  readonly upto: string | null;
  /** Where the next round begins to read again; null: only what is beyond `upto`. */
  readonly low: string | null;
  /** Set when the rows to be remembered are only those that these transactions or later ones wrote. */
  readonly horizon: Horizon | null;
  /** `strays`: rows without a cursor, or with one in the future; `line`: all others in the order of cursor and key. */
  readonly section: 'strays' | 'line';
  /** Cursor and key of the last row that was taken of this section. */
  readonly after: readonly (string | null)[] | null;
  /** Rows that the next round may meet again. */
  readonly taken: string;
  /** Some row was a stray. */
  readonly strays: boolean;
}

/** Where a table that is read by cursor stands. */
export interface ChangesPosition {
  /** Of the last round that came to its end. */
  readonly upto: string | null;
  readonly low: string | null;
  readonly horizon: Horizon | null;
  readonly taken: string;
  readonly strays: boolean;
  /** Rounds that came to their end; 0: everything is new. */
  readonly rounds: number;
  /** Units that were landed so far; the next one is named by it. */
  readonly units: number;
  readonly round: Round | null;
}

export const BEGINNING: ChangesPosition = {
  upto: null,
  low: null,
  horizon: null,
  taken: '',
  strays: false,
  rounds: 0,
  units: 0,
  round: null,
};

/** A committed position. It was written by {@link ChangesPosition}; what is missing is as at the beginning. */
export function changesPosition(position: Position | undefined): ChangesPosition {
  return { ...BEGINNING, ...(position as Partial<ChangesPosition> | undefined) };
}

export function toPosition(position: ChangesPosition): Position {
  return { ...position };
}
