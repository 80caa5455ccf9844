import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { nearSide } from './near-side.ts';
import { mirrorOf, openMirror, rememberedFiles } from './opened-mirror.ts';
import { compareSides } from './plan-sync.ts';
import { linesOf } from './sync-lines.ts';
import type { MirrorLine } from './sync-report.ts';

export interface MirrorCheck {
  readonly mirror: string;
  readonly place: string;
  readonly release_id: string;
  /** By mark. */
  readonly counts: Readonly<Record<string, number>>;
  readonly files_there: number;
  readonly bytes_there: number;
  /** Files there that are no tables' of this mirror. */
  readonly others: number;
  readonly requests: Readonly<Record<string, number>>;
  readonly lines: readonly MirrorLine[];
}

export interface CheckOptions {
  readonly name: string;
  /** Also tell of equal files. */
  readonly tell_same: boolean;
  /** Hold every file against its checksum there, whatever is remembered of it. */
  readonly deep: boolean;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** Told of bytes read for checksums. */
  readonly looked?: (bytes: number) => void;
}

/** Compares a mirror with the newest release; changes nothing on either side. @throws DataflowError as a sync does */
export async function checkMirror(rooms: Rooms, project: Project, options: CheckOptions): Promise<MirrorCheck> {
  const { name, signal, note, ...how } = options;
  const spec = mirrorOf(project, name);
  const lake = await rooms.openLake(project);
  const care = await rooms.openLakeCare(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  const lease = await (await rooms.openLeases(project)).open('sync check');
  const far = await openMirror(rooms, project, spec, { note });
  try {
    const near = await nearSide({ lake, care, ledger }, spec);
    const { known } = rememberedFiles(ledger, name, far.name);
    const compared = await compareSides({ near, far, care }, known, { ...how, signal });
    const lines = linesOf(compared.comparison.items);
    const counts: Record<string, number> = { '=': compared.comparison.same.files, '+': 0, '*': 0, '-': 0, '!': 0 };
    for (const { mark } of lines) if (mark !== '=') counts[mark] = (counts[mark] ?? 0) + 1;
    return {
      mirror: name,
      place: far.name,
      release_id: near.release.release_id,
      counts,
      files_there: compared.files,
      bytes_there: compared.size_bytes,
      others: compared.comparison.others.files,
      requests: Object.fromEntries([...far.requests].sort()),
      lines,
    };
  } finally {
    await far.close();
    await lease.release();
    ledger.close();
  }
}
