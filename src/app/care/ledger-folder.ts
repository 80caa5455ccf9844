import { mkdirSync } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** A private folder in which a ledger can be built. @throws DataflowError E_LEDGER_READ_ONLY */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DataflowError('E_LEDGER_READ_ONLY', 'no new ledger can be written beside the lake', {
      place: { file: folder },
      kept: 'the ledger that is there stays as it is',
      cause: error,
    });
  }
}
