import { archiveOf } from '../../core/model/member-path.ts';
import type { Project } from '../../core/model/project.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { RejectingNode } from '../../medallion/decide/select.ts';
import type { Rooms } from '../rooms.ts';

/** A refused file that cannot be read again as it was. */
export interface MovedFile {
  readonly file: string;
  readonly state: 'gone' | 'changed';
}

/** Which of the refused files among the rows of `matched` are gone or have changed since they were refused. */
export async function movedFiles(
  rooms: Rooms,
  project: Project,
  node: RejectingNode,
  session: EngineSession,
): Promise<readonly MovedFile[]> {
  // What a source was asked for cannot move: it lies in the lake, or in the folder of landed units.
  if (node.layer !== 'bronze' || node.spec.pulled === true) return [];
  const rows = await session.rows(
    'select distinct file from matched where raw is null and file is not null order by 1',
    {
      rows_max: 1_000_000,
    },
  );
  if (rows.length === 0) return [];
  const ledger = await rooms.openLedger(project, { read_only: true, create: false });
  try {
    const source = await rooms.createSource(node.spec, project);
    const context = { root: project.root, temp_folder: '', now_ms: Date.now(), rehash: false, look_only: true };
    const found = await source.discover(ledger.knownInputs(node.name), context);
    const gone = new Set(found.vanished);
    const changed = new Set(found.fresh.map((unit) => unit.path));
    return rows.flatMap((row): readonly MovedFile[] => {
      const file = String(row['file']);
      if (gone.has(file)) return [{ file, state: 'gone' }];
      return changed.has(archiveOf(file) ?? file) ? [{ file, state: 'changed' }] : [];
    });
  } finally {
    ledger.close();
  }
}
