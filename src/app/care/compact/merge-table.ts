import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { type TableId, tableKey } from '../../../core/model/table.ts';
import { mergeBins } from '../../../core/planning/merge-bins.ts';
import type { CandidateFile, EngineSession } from '../../../core/ports/engine.ts';
import type { DataFile, Lake, Snapshot } from '../../../core/ports/lake.ts';
import { faultPoint } from '../../../kit/fault.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { relationOf } from '../../../medallion/context.ts';

/** The files of one version that would be written together. */
export interface MergePlan {
  readonly snapshot: Snapshot;
  readonly bins: readonly (readonly DataFile[])[];
}

export function planMerge(snapshot: Snapshot, target_bytes: number): MergePlan {
  const by_path = new Map(snapshot.files.map((file) => [file.path, file]));
  const bins = mergeBins(snapshot.files, target_bytes);
  return { snapshot, bins: bins.map((bin) => bin.flatMap((path) => by_path.get(path) ?? [])) };
}

export interface MergeWork {
  readonly lake: Lake;
  readonly lease_id: string;
  readonly openSession: (label: string) => Promise<EngineSession>;
  /** Throws when the lock was lost, or E_LAKE_CONFLICT when a run has begun to work on the table. */
  readonly fence: (table: TableId) => void;
}

/**
 * Writes the planned files together and commits them in place of the small ones; rows keep their order, and no row changes.
 * @throws DataflowError E_LAKE_CONFLICT when another writer was faster: nothing was changed then.
 */
export async function mergeTable(work: MergeWork, { snapshot, bins }: MergePlan): Promise<number> {
  const { lake, lease_id } = work;
  const { table, columns, partition_by } = snapshot;
  const key = tableKey(table);
  const step_id = `compact-${table.layer}-${table.name}`.slice(0, 120);
  const session = await work.openSession(`compact/${key}`);
  try {
    const names = columns.map((column) => quoteIdent(column.name)).join(', ');
    const add: CandidateFile[] = [];
    const places = new Map<string, string>();
    for (const [index, bin] of bins.entries()) {
      await session.bind({ ...relationOf(snapshot, 'small_files'), files: bin });
      const folder = await lake.stage(lease_id, step_id, `merged-${index}`);
      const made = await session.write(`select ${names} from small_files`, { folder, columns, partition_by });
      const file = refuseLoss(key, bin, made);
      add.push(file);
      places.set(file.uri, bin[0]?.path ?? '');
    }
    faultPoint('after-merge');
    const committed = await lake.commit({
      table,
      read_version: snapshot.version,
      mode: 'rewrite',
      add,
      remove: bins.flat(),
      columns,
      partition_by,
      txns: [],
      data_change: false,
      places,
      note: { run_id: lease_id, step_id, step: 'compact', kind: 'maintenance' },
      fence: () => work.fence(table),
    });
    return committed.bytes_written;
  } finally {
    await session.close();
    await lake.discardStaging(lease_id, step_id);
  }
}

/** Each set of files becomes one file with all their rows. */
function refuseLoss(key: string, bin: readonly DataFile[], made: readonly CandidateFile[]): CandidateFile {
  const [file] = made;
  const before = bin.reduce((sum, one) => sum + one.rows, 0);
  const after = made.reduce((sum, one) => sum + one.rows, 0);
  if (file !== undefined && made.length === 1 && before === after) return file;
  throw new DataflowError(
    'E_BALANCE',
    `${key}: ${bin.length} files with ${before} rows were to become one, but ${made.length} with ${after} rows were written`,
    {
      kept: 'every published version stays as it is',
      hint: 'dataflow verify tells whether one of the files is damaged.',
    },
  );
}
