import { describe } from 'vitest';
import { parsingCsvContract } from './contract-csv.ts';
import { contractKit, type MakeEngine } from './contract-kit.ts';
import { parsingRecordsContract } from './contract-records.ts';
import { relationsContract } from './contract-relations.ts';
import { sqlContract } from './contract-sql.ts';
import { exactTypes } from './contract-types.ts';
import { writingContract } from './contract-writing.ts';

/** What every engine must do, to be called from its own test: `engineContract((temp_folder) => openX(…))`. */
export function engineContract(makeEngine: MakeEngine): void {
  describe('engine contract', () => {
    const kit = contractKit(makeEngine);
    relationsContract(kit);
    writingContract(kit);
    parsingCsvContract(kit);
    parsingRecordsContract(kit);
    describe('types', () => exactTypes(kit));
    sqlContract(kit);
  });
}
