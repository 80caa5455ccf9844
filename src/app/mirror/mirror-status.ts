import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { mirrorNames, mirrorOf } from './opened-mirror.ts';

/** Where a mirror stands, from the ledger alone. */
export interface MirrorStatusLine {
  readonly mirror: string;
  readonly connection: string;
  readonly state: 'current' | 'behind' | 'never synced';
  readonly place: string | null;
  readonly release_id: string | null;
  /** Releases that came since; null: nothing was synced yet. */
  readonly releases_behind: number | null;
  readonly files: number | null;
  readonly size_bytes: number | null;
  readonly synced_at: string | null;
}

const RELEASES_LOOKED_AT = 1000;

export async function mirrorStatus(
  rooms: Rooms,
  project: Project,
  words: readonly string[],
): Promise<readonly MirrorStatusLine[]> {
  const names = mirrorNames(project, words);
  const ledger = await ledgerForReading(rooms, project, await rooms.openLake(project));
  try {
    const standings = new Map(ledger.mirrors.standings().map((one) => [one.mirror, one]));
    const releases = ledger.releases(RELEASES_LOOKED_AT).map(({ release_id }) => release_id);
    return names.map((mirror) => {
      const { connection } = mirrorOf(project, mirror);
      const standing = standings.get(mirror);
      const behind = releases.indexOf(standing?.release_id ?? '');
      const releases_behind = standing === undefined ? null : behind < 0 ? releases.length : behind;
      return {
        ...{ mirror, connection },
        state: releases_behind === null ? 'never synced' : releases_behind === 0 ? 'current' : 'behind',
        place: standing?.place ?? null,
        release_id: standing?.release_id ?? null,
        releases_behind,
        files: standing?.files ?? null,
        size_bytes: standing?.size_bytes ?? null,
        synced_at: standing?.synced_at ?? null,
      };
    });
  } finally {
    ledger.close();
  }
}
