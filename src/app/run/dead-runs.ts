import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ledger } from '../../core/ports/ledger.ts';
import { sizeText } from '../../kit/units.ts';

/** What a run notes of itself while it goes on, for the one that comes after it if it is killed. */
export interface Vitals {
  readonly peak_memory_bytes: number;
  readonly memory_limit_bytes: number;
  readonly threads: number;
}

const VITALS = 'vitals.json';

/** @param folder the run's own temporary folder. A note that cannot be written is no reason to fail. */
export function noteVitals(folder: string, vitals: Vitals): void {
  try {
    writeFileSync(join(folder, VITALS), JSON.stringify(vitals), { mode: 0o600 });
  } catch {
    // Without it the next run knows less.
  }
}

/**
 * Marks runs whose process is gone as interrupted; says of each what it was doing and what is known of its memory: nobody could catch the
 * kill itself.
 * @param temp_folder that holds the runs' temporary folders.
 */
export function closeDeadRuns(ledger: Ledger, temp_folder: string): readonly string[] {
  const running = ledger.runs(100).filter((run) => run.status === 'running');
  const doing = new Map(
    running.map(({ run_id }) => {
      const steps = ledger.steps(run_id).filter((step) => step.status === 'running');
      return [run_id, steps.map((step) => step.step)] as const;
    }),
  );
  return ledger.closeDeadRuns().map((run_id) => {
    const steps = doing.get(run_id) ?? [];
    const at = steps.length === 0 ? '' : ` while it worked on ${steps.join(' and ')}`;
    const message = `the process died${at}${memoryOf(join(temp_folder, run_id))}`;
    const hint = 'Run again: finished steps are not repeated.';
    ledger.finishRun(run_id, 'interrupted', { code: 'E_INTERRUPTED', message, hint });
    return `run ${run_id}: ${message}; it is marked as interrupted`;
  });
}

function memoryOf(folder: string): string {
  try {
    const vitals = JSON.parse(readFileSync(join(folder, VITALS), 'utf8')) as Vitals;
    const limit = sizeText(vitals.memory_limit_bytes);
    return ` (its memory had reached ${sizeText(vitals.peak_memory_bytes)}, engine limit ${limit}, threads ${vitals.threads})`;
  } catch {
    return '';
  }
}
