import type { Project } from '../../core/model/project.ts';
import type { StoreView } from '../../core/ports/store.ts';
import type { InUse } from './in-use.ts';
import { LakeRows } from './planned-rows.ts';
import type { ServedRelease } from './served-release.ts';
import type { ServedStore } from './served-store.ts';
import { StoreRows } from './store-rows.ts';
import { keyColumns } from './table-request.ts';

/** A release whose rows are those of the lake. */
export function lakeInUse(project: Project, release: ServedRelease): InUse {
  return {
    release,
    rows: new LakeRows(release.tables),
    table: async (key) => {
      const { table: id, version, rows, columns, partition_by } = await release.table(key);
      return { id, version, rows, columns, key_columns: keyColumns(project, key), partition_by };
    },
    done: release.use(),
  };
}

/** A release whose rows are those of a destination, as it is at one moment. The lake knows the types of its columns. */
export function storeInUse(store: ServedStore, release: ServedRelease, view: StoreView): InUse {
  const { record } = release;
  const letGo = release.use();
  return {
    release,
    rows: new StoreRows(view, release.tables, async (key) => store.table(key, record, await release.facts(key))),
    table: async (key) => {
      const facts = await release.facts(key);
      const { columns, key_columns } = store.table(key, record, facts);
      const { table: id, version, partition_by } = facts;
      const rows = view.held.find((one) => one.table === key)?.rows ?? facts.rows;
      return { id, version, rows, columns: columns.map((one) => one.column), key_columns, partition_by };
    },
    done: () => {
      void view.close();
      letGo();
    },
  };
}
