import type { TableId } from '../../core/model/table.ts';
import type { LakeCare, LogReport } from '../../core/ports/lake-care.ts';
import { lakePath } from '../log-paths.ts';
import { type LakeOptions, storageOf } from '../open-lake.ts';
import { tableFolder } from '../places.ts';
import { checkFiles } from './check-files.ts';
import { hideVersions, planCollection } from './collect.ts';
import { examineLog } from './examine-log.ts';
import { removeJournalled } from './journal.ts';
import { tableFiles } from './table-files.ts';

/** Opens the lake for those who look after it; touches nothing yet. */
export function openCare({ layers, ...place }: LakeOptions): LakeCare {
  const storage = storageOf(place);
  const folderOf = (table: TableId): string => tableFolder(layers, table);
  const examine = (table: TableId): Promise<LogReport> => examineLog(storage, folderOf(table), table);
  return {
    examineLog: examine,
    tableFiles: (table, version) => tableFiles(storage, folderOf(table), table, version),
    fileOf: (path) => storage.uri(path),
    planCollection: async (table, rules) => planCollection(await examine(table), rules),
    hideVersions: (plan, fence) => hideVersions(storage, folderOf(plan.table), plan, fence),
    removeHidden: (blocked) => removeJournalled(storage, examine, blocked),
    checkFiles: (tables, options) => {
      const files = tables.flatMap(({ table, files: some }) =>
        some.map((file) => ({ table, file, path: lakePath(folderOf(table), file.path) })),
      );
      return checkFiles(storage, files, options);
    },
  };
}
