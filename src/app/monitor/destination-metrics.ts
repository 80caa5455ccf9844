import type { Project } from '../../core/model/project.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import { liveDestinations } from '../watch/live-destinations.ts';
import type { LiveDestination } from '../watch/live-state.ts';
import type { MetricSheet } from './metric-sheet.ts';

/** A destination with the moment since which it does not hold the newest release. */
export interface DestinationLag {
  readonly destination: LiveDestination;
  /** Null: it holds the newest, or there is none. */
  readonly behind_since: string | null;
}

/** Loads, mirrors and streams against the newest release, as the ledger remembers them: nobody is asked. */
export function destinationLags(project: Project, ledger: Ledger): readonly DestinationLag[] {
  const release = ledger.latestRelease();
  const destinations = liveDestinations(project, ledger, release);
  if (destinations.length === 0) return [];
  const releases = ledger.releases(1_000_000);
  return destinations.map((destination) => ({
    destination,
    behind_since: release === undefined ? null : behindSince(destination, project, ledger, releases),
  }));
}

/** @param releases newest first. */
function behindSince(
  { kind, name, state, holds }: LiveDestination,
  project: Project,
  ledger: Ledger,
  releases: readonly ReleaseRecord[],
): string | null {
  if (state === 'current') return null;
  if (kind === 'stream') {
    const from = project.streams?.[name]?.from;
    return (from === undefined ? undefined : ledger.lastSuccess(from)?.finished_at) ?? null;
  }
  const held = releases.findIndex((one) => one.release_id === holds);
  return (held > 0 ? releases[held - 1] : releases.at(-1))?.created_at ?? null;
}

export function destinationMetrics(sheet: MetricSheet, project: Project, ledger: Ledger): void {
  for (const { destination, behind_since } of destinationLags(project, ledger)) {
    const { kind, name, at } = destination;
    const labels = { kind, destination: name };
    sheet.set('dataflow_destination_behind', behind_since === null ? 0 : 1, labels);
    const since_ms = behind_since === null ? 0 : Date.parse(behind_since);
    sheet.set('dataflow_destination_behind_since_timestamp_seconds', since_ms / 1000, labels);
    sheet.setTime('dataflow_destination_updated_timestamp_seconds', at, labels);
    if (kind !== 'load') continue;
    const records = ledger.loads.records(name);
    if (records.length === 0) continue;
    const refresh_ms = records.map((one) => Date.parse(one.loaded_at) - Date.parse(one.gold_processed_at));
    sheet.set('dataflow_destination_refresh_seconds', Math.max(0, ...refresh_ms) / 1000, labels);
    sheet.set(
      'dataflow_destination_rows',
      records.reduce((sum, one) => sum + one.rows, 0),
      labels,
    );
  }
  for (const { mirror, size_bytes, files } of ledger.mirrors.standings()) {
    if (project.mirrors?.[mirror] === undefined) continue;
    sheet.set('dataflow_mirror_size_bytes', size_bytes, { destination: mirror });
    sheet.set('dataflow_mirror_files', files, { destination: mirror });
  }
}
