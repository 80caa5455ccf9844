import { existsSync, readdirSync } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { copyLake } from './copy-lake.ts';
import { listFar, markedRelease, wantedOf } from './far-tables.ts';
import { mendLake } from './mend-lake.ts';
import { mirrorOf, openMirror } from './opened-mirror.ts';
import type { RestoreOptions, RestoreReport } from './restoring.ts';

/**
 * Brings a lake, a table or a version back from a mirror. Where there is no lake a whole one is made beside its place and renamed; in a lake that is
 * there only what is missing or damaged is put back. Every file is held against its recorded hash first.
 * @throws DataflowError E_SELECTION, E_NO_RELEASE, E_USAGE, E_FAR_*
 */
export async function restoreMirror(rooms: Rooms, project: Project, options: RestoreOptions): Promise<RestoreReport> {
  const began = performance.now();
  const spec = mirrorOf(project, options.name);
  const far = await openMirror(rooms, project, spec, { note: options.note });
  try {
    const listing = await listFar(far, options.signal);
    const marker = await markedRelease(far, listing, options.release, options.signal);
    const tables = wantedOf(marker, options);
    const restoring = { rooms, project, options, far, listing, marker, tables };
    const to = options.to ?? project.lake.url;
    const mends = options.to === undefined && hasTables(project);
    if (mends && (options.version !== undefined || options.release !== undefined))
      throw new DataflowError('E_USAGE', 'the lake has tables: an older state is brought back beside it', {
        hint: 'Name a folder with --to; the lake itself goes back by `dataflow undo`.',
      });
    const done = mends ? await mendLake(restoring) : await copyLake(restoring, to);
    return {
      mirror: options.name,
      place: far.name,
      release_id: marker.release_id,
      what: mends ? 'mended' : 'copied',
      to,
      ...done,
      wall_ms: Math.round(performance.now() - began),
      dry_run: options.dry_run,
    };
  } finally {
    await far.close();
  }
}

/** Whether the lake's folder has anything beside our own state. */
function hasTables({ lake }: Project): boolean {
  if (!existsSync(lake.url)) return false;
  return readdirSync(lake.url).some((name) => !name.startsWith('_') && !name.startsWith('.'));
}
