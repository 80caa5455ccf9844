import { readdirSync } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** @throws DataflowError E_USAGE when something is there that is no empty folder. */
export function refuseUsedFolder(folder: string, hint: string): void {
  const held = entriesOf(folder);
  if (held === undefined) throw new DataflowError('E_USAGE', `${folder} is no folder`, { hint });
  if (held > 0) throw new DataflowError('E_USAGE', `${folder} is not empty`, { hint });
}

/** 0 where nothing is; undefined for a file. */
function entriesOf(folder: string): number | undefined {
  try {
    return readdirSync(folder).length;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return 0;
    if (code === 'ENOTDIR') return undefined;
    throw error;
  }
}
