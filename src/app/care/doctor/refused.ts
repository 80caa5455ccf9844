import { relative } from 'node:path';
import type { Project } from '../../../core/model/project.ts';
import { keptRefused } from '../../load/refused-rows.ts';
import type { Rooms } from '../../rooms.ts';
import { type DoctorFinding, warn } from './finding.ts';

/** Rows that destinations could not hold, by load and table. */
export async function refusedRows(rooms: Rooms, project: Project): Promise<readonly DoctorFinding[]> {
  return keptRefused(rooms.stateFolder(project)).map(({ load, table, rows, reason, path }) => {
    const what = `${rows} ${rows === 1 ? 'row' : 'rows'} of ${table}, kept in ${relative(project.root, path)}`;
    const known = project.loads?.[load] !== undefined;
    return warn(
      `load ${load}`,
      `the destination could not hold ${what}: ${rooms.redact(reason)}`,
      known
        ? `Mend the rows or the columns; the next version of ${table} is loaded whole.`
        : `There is no load ${load} any more: the file may be removed.`,
    );
  });
}
