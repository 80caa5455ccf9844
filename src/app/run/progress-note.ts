import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Estimate } from '../../core/planning/estimate.ts';
import type { EngineProgress } from '../../core/ports/engine.ts';

/** What a step at work is known to have done. */
export interface StepProgress {
  /** Rows that the engine has read for it. */
  readonly rows_read?: number;
  readonly rows_per_second?: number;
  /** Rows of its inputs, as they were estimated. */
  readonly rows_total?: number;
}

const FILE = 'progress.json';
/** Written at most so often. */
const WRITE_MS = 500;
/** Below this a step is over before anybody could read of it. */
const BIG_BYTES = 16 * 1024 * 1024;

interface Noted {
  rows_total?: number;
  rows_read: number;
  /** Rows that the statement at work has read, as the engine said last: it counts anew with each. */
  rows_statement: number;
  /** Where the rate is counted from. */
  readonly since_ms: number;
}

/**
 * What the steps of a run at work have done so far, noted in the run's own temporary folder, which goes with the run: for those who watch. A step that
 * reads little is not noted, and without one nothing is written.
 */
export class ProgressNote {
  readonly #file: string;
  readonly #steps = new Map<string, Noted>();
  #written_ms = 0;

  constructor(folder: string) {
    this.#file = join(folder, FILE);
  }

  /** Told before the work of a step begins. */
  begin(step: string, { rows, bytes_in = 0 }: Estimate): void {
    if (bytes_in < BIG_BYTES) return;
    const total = rows === undefined ? {} : { rows_total: rows };
    this.#steps.set(step, { ...total, rows_read: 0, rows_statement: 0, since_ms: Date.now() });
  }

  /** What a session of this step is to tell of its work; undefined for one that is not noted. */
  listener(step: string): ((progress: EngineProgress) => void) | undefined {
    const noted = this.#steps.get(step);
    if (noted === undefined) return undefined;
    return ({ rows_read }) => {
      if (rows_read === undefined) return;
      noted.rows_read += Math.max(0, rows_read < noted.rows_statement ? rows_read : rows_read - noted.rows_statement);
      noted.rows_statement = rows_read;
      this.#write();
    };
  }

  #write(): void {
    const now_ms = Date.now();
    if (now_ms - this.#written_ms < WRITE_MS) return;
    this.#written_ms = now_ms;
    const steps = [...this.#steps].map(([step, one]): [string, StepProgress] => {
      const seconds = (now_ms - one.since_ms) / 1000;
      const total = one.rows_total === undefined ? {} : { rows_total: one.rows_total };
      return [
        step,
        { ...total, rows_read: one.rows_read, rows_per_second: Math.round(one.rows_read / Math.max(seconds, 0.1)) },
      ];
    });
    try {
      writeFileSync(`${this.#file}.new`, JSON.stringify(Object.fromEntries(steps)), { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
    } catch {
      // Who watches knows less.
    }
  }
}

/** @param folder the run's own temporary folder. */
export function readProgress(folder: string): ReadonlyMap<string, StepProgress> {
  try {
    return new Map(
      Object.entries(JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Record<string, StepProgress>),
    );
  } catch {
    return new Map();
  }
}
