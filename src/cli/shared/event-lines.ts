import { failureOf } from '../../app/run/run-step.ts';
import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import type { StepError } from '../../core/ports/ledger.ts';
import { EXIT_DONE, exitCodeOf } from '../exit-codes.ts';

/** What went wrong, as events tell it. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly kept: string | null;
  readonly next: string | null;
}

export function problemOf(error: StepError | undefined): Problem | null {
  if (error === undefined) return null;
  const { code, message, kept, hint } = error;
  return { code, message, kept: kept ?? null, next: hint ?? null };
}

/** Of several errors the first one. */
export function problemIn(error: unknown): Problem | null {
  return problemOf(failureOf(error instanceof DataflowErrors ? (error.errors[0] ?? error) : error));
}

/** The exit status of a command that a signal ended. */
export function exitCodeBy(signal: AbortSignal): 130 | 143 {
  return String(signal.reason).includes('SIGTERM') ? 143 : 130;
}

/** How a command with several destinations ended. */
export interface CommandEnd {
  readonly exit_code: number;
  readonly interrupted: boolean;
  readonly error: Problem | null;
}

/** Does the work of a command and tells its end, whatever happens. */
export async function toldToTheEnd(
  signal: AbortSignal,
  work: () => Promise<number>,
  end: (how: CommandEnd) => void,
): Promise<number> {
  try {
    const exit_code = await work();
    end({ exit_code, interrupted: false, error: null });
    return exit_code;
  } catch (error) {
    const interrupted = signal.aborted;
    end({ exit_code: interrupted ? exitCodeBy(signal) : exitCodeOf(error), interrupted, error: problemIn(error) });
    throw error;
  }
}

type EndStatus = 'succeeded' | 'partial' | 'failed' | 'interrupted' | 'nothing_to_do';

/** @param works destinations that something was done for. */
export function endStatus({ exit_code, interrupted }: CommandEnd, works: number, partial_code: number): EndStatus {
  if (interrupted) return 'interrupted';
  if (exit_code === partial_code) return 'partial';
  if (exit_code !== EXIT_DONE) return 'failed';
  return works === 0 ? 'nothing_to_do' : 'succeeded';
}

/** Whether a second has passed since the last yes. */
export class EachSecond {
  #told_ms = Number.NEGATIVE_INFINITY;

  due(): boolean {
    const now_ms = performance.now();
    if (now_ms - this.#told_ms < 1_000) return false;
    this.#told_ms = now_ms;
    return true;
  }
}

/** A rate of less than that says nothing. */
const GUESS_AFTER_MS = 500;

/** @param share of the work that is done, 0..1, undefined: unknown; @param moving_ms for how long it has been growing. */
export function progressOf(
  elapsed_ms: number,
  moving_ms: number,
  share: number | undefined,
): { readonly elapsed_ms: number; readonly percent: number | null; readonly left_ms: number | null } {
  const known = share !== undefined && share > 0;
  return {
    elapsed_ms: Math.round(elapsed_ms),
    percent: share === undefined ? null : Math.min(100, Math.round(share * 100)),
    left_ms: known && moving_ms >= GUESS_AFTER_MS ? Math.max(0, Math.round((moving_ms * (1 - share)) / share)) : null,
  };
}
