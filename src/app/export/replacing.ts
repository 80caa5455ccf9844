import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import type { ExportTo } from './export-target.ts';
import type { ExportManifest } from './manifest.ts';
import type { PlannedFile } from './write-files.ts';

/** Why nothing has to be written. */
export function sameWords(before: ExportManifest, release: ReleaseRecord): string {
  if (before.release_id === release.release_id)
    return `release ${release.release_id} is there already, every file as it was written`;
  return `release ${before.release_id} is there, whose tables have the same versions, every file as it was written`;
}

/** @throws DataflowError E_USAGE when files are there that only --force replaces. */
export function refuseReplacing(
  to: ExportTo,
  files: readonly PlannedFile[],
  before: ExportManifest | undefined,
  changed: readonly string[],
): void {
  const hint = 'Replace it with --force, or choose another place.';
  if (changed.length > 0)
    throw new DataflowError(
      'E_USAGE',
      `${changed.join(', ')} in ${to.folder} ${changed.length === 1 ? 'was' : 'were'} changed or removed since the export of release ${before?.release_id}`,
      { hint },
    );
  if (before !== undefined)
    throw new DataflowError(
      'E_USAGE',
      `${to.folder} holds an export of release ${before.release_id} (${before.format}, ${before.tables.length === 1 ? before.tables[0]?.table : `${before.tables.length} tables`})`,
      { hint },
    );
  const there = [...files.map((one) => one.file), to.manifest].filter((file) => existsSync(join(to.folder, file)));
  if (there.length > 0)
    throw new DataflowError(
      'E_USAGE',
      `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already in ${to.folder}`,
      { hint },
    );
}

/** Files of the export before that belong to the new one no more; what somebody has changed is left where it lies. */
export function outdatedFiles(
  before: ExportManifest | undefined,
  changed: readonly string[],
  files: readonly PlannedFile[],
): readonly string[] {
  const wanted = new Set(files.map((one) => one.file));
  return (before?.files ?? []).flatMap(({ file }) => (wanted.has(file) || changed.includes(file) ? [] : [file]));
}
