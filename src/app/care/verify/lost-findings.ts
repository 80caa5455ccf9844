import { tableKey } from '../../../core/model/table.ts';
import type { Lake } from '../../../core/ports/lake.ts';
import type { Ledger, ReleaseRecord } from '../../../core/ports/ledger.ts';
import { lostRemedy, lostWords } from '../../../medallion/bronze/lost.ts';
import { damage, type Finding, remark } from './finding.ts';

/** Tables that the ledger or the newest release knows and the lake does not hold any more: key → the version that was published. */
export async function lostTables(lake: Lake, ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const known = new Map(Object.entries(ledger.latestRelease()?.tables ?? {}));
  for (const { step } of ledger.latestSteps()) {
    const version = ledger.lastSuccess(step)?.output_version;
    if (version !== undefined) known.set(step, version);
  }
  // Looked at last: what a run that is at work enters into the ledger is in the lake by then.
  for (const table of await lake.tables()) known.delete(tableKey(table));
  return known;
}

export function lostFindings(
  lost: ReadonlyMap<string, number>,
  releases: readonly ReleaseRecord[],
): readonly Finding[] {
  return [...lost].map(([table, known]) =>
    damage('log', lostWords({ table, known, latest: undefined }), {
      table,
      versions: String(known),
      releases: releases.filter(({ tables }) => tables[table] !== undefined).map((one) => one.release_id),
      remedy: table.startsWith('quarantine.')
        ? 'Restore its folder from a backup or a mirror. The tables do not need it; the rejected rows in it are lost.'
        : lostRemedy(table),
    }),
  );
}

/** Releases that the ledger knows and the lake does not: a ledger that is rebuilt would have lost them. */
export async function releasesLost(lake: Lake, releases: readonly ReleaseRecord[]): Promise<readonly Finding[]> {
  const stored = new Set((await lake.releases()).map((one) => one.release_id));
  return releases
    .filter((one) => !stored.has(one.release_id))
    .map((one) =>
      remark('release', `release ${one.release_id} is in the ledger, and its file is no longer in the lake`, {
        path: '_dataflow/releases',
        releases: [one.release_id],
        remedy:
          'Restore the folder from a backup or a mirror. No table needs it; a rebuilt ledger would not know the release.',
      }),
    );
}
