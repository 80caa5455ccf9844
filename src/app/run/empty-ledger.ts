import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Ledger } from '../../core/ports/ledger.ts';

/** What a project without any run remembers: nothing. Lets `plan` answer before the first run without making a file. */
export function emptyLedger(): Ledger {
  const refuse = (): never => {
    throw new DataflowError('E_LEDGER_READ_ONLY', 'planning writes nothing');
  };
  return {
    startRun: refuse,
    finishRun: refuse,
    closeDeadRuns: () => [],
    runs: () => [],
    run: () => undefined,
    recordReceipt: refuse,
    receipt: () => undefined,
    receipts: () => [],
    startStep: refuse,
    finishStep: refuse,
    steps: () => [],
    latestSteps: () => [],
    lastSuccess: () => undefined,
    successBefore: () => undefined,
    publishes: () => [],
    stepsLike: () => [],
    runsLike: () => [],
    definition: () => undefined,
    newestBackfill: () => undefined,
    knownInputs: () => new Map(),
    inputs: () => [],
    inputByHash: () => undefined,
    dialect: () => undefined,
    drift: () => [],
    quarantine: () => [],
    recordDecision: refuse,
    decisions: () => [],
    recordRelease: refuse,
    latestRelease: () => undefined,
    releases: () => [],
    keepRelease: refuse,
    keptReleases: () => [],
    runIds: () => [],
    undos: () => [],
    startUndo: refuse,
    finishUndo: refuse,
    undoneInputs: () => [],
    rememberUndone: refuse,
    hold: () => undefined,
    lastSuccessOutside: () => undefined,
    removalsUndone: () => new Set(),
    inputsOutside: () => [],
    dialectOutside: () => undefined,
    lock: refuse,
    lockHolders: () => [],
    checkIntegrity: () => undefined,
    close: () => undefined,
  };
}
