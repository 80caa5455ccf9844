import type { Receipt } from '../../core/model/receipt.ts';
import type { StepProgress } from '../../core/model/step-progress.ts';
import type { RunStatus, StepError, StepRecord } from '../../core/ports/ledger.ts';

/** What a run tells while it goes on; surfaces turn it into lines, bars or JSON. */
export type RunEvent =
  | {
      readonly type: 'run_started';
      readonly run_id: string;
      /** As the ledger has it. */
      readonly started_at: string;
      readonly steps: readonly string[];
    }
  | {
      readonly type: 'step_started';
      readonly step: string;
      readonly reason: string;
      readonly mode: 'full' | 'incremental';
    }
  /** About once a second of each step at work. */
  | { readonly type: 'step_progress'; readonly progress: StepProgress }
  | { readonly type: 'step_finished'; readonly record: StepRecord }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string }
  /** What the step is expected to take. */
  | { readonly type: 'estimate'; readonly step: string; readonly message: string }
  /** The engine ran out of memory; the step is done again with a smaller plan. */
  | { readonly type: 'step_repeated'; readonly step: string; readonly reason: string; readonly plan: string };

/** The outcome of `run`, `ingest` and `demo`. */
export interface RunReport {
  /** Undefined when there was nothing to do: such a run leaves no trace. */
  readonly run_id: string | undefined;
  readonly status: RunStatus | 'nothing_to_do';
  readonly steps: readonly StepRecord[];
  readonly release_id: string | undefined;
  readonly wall_ms: number;
  /** What the run took and used; absent when there was nothing to do. */
  readonly receipt?: Receipt;
  /** What ended the run before its time, or makes it no full success: its budget. */
  readonly error?: StepError;
  /** Whole files that were refused in this run. */
  readonly refused_files: number;
  /** Rows put into quarantine by which it did not grow: they lay there before. */
  readonly refused_again: number;
  readonly exit_code: number;
}
