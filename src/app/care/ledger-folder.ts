import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { makeFolders } from '../../kit/make-folders.ts';

/** A private folder in which a ledger can be built. @throws DataflowError E_LEDGER_READ_ONLY */
export function makeFolder(folder: string): void {
  try {
    makeFolders(folder, 0o700);
  } catch (error) {
    throw new DataflowError('E_LEDGER_READ_ONLY', 'no new ledger can be written beside the lake', {
      place: { file: folder },
      kept: 'the ledger that is there stays as it is',
      cause: error,
    });
  }
}
