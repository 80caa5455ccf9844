import type { Project } from '../../core/model/project.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import type { LiveDestination } from './live-state.ts';

/** Loads, mirrors and streams of the project, as the ledger remembers them: nobody is asked. */
export function liveDestinations(
  project: Project,
  ledger: Ledger,
  release: ReleaseRecord | undefined,
): readonly LiveDestination[] {
  return [
    ...Object.keys(project.loads ?? {}).map((name) => loadOf(name, ledger, release)),
    ...mirrors(project, ledger, release),
    ...streams(project, ledger),
  ];
}

function loadOf(name: string, ledger: Ledger, release: ReleaseRecord | undefined): LiveDestination {
  const records = ledger.loads.records(name);
  const [first] = records;
  if (first === undefined) return { kind: 'load', name, state: 'empty', holds: null, at: null, place: '' };
  const current = records.every(
    (one) => one.release_id === release?.release_id || one.version === release?.tables[one.table],
  );
  const newest = records.reduce((one, other) => (one.loaded_at > other.loaded_at ? one : other));
  return {
    kind: 'load',
    name,
    state: current ? 'current' : 'behind',
    holds: newest.release_id,
    at: newest.loaded_at,
    place: newest.place,
  };
}

function mirrors(project: Project, ledger: Ledger, release: ReleaseRecord | undefined): readonly LiveDestination[] {
  const known = new Map(ledger.mirrors.standings().map((one) => [one.mirror, one]));
  return Object.keys(project.mirrors ?? {}).map((name) => {
    const one = known.get(name);
    if (one === undefined) return { kind: 'mirror', name, state: 'empty', holds: null, at: null, place: '' };
    const state = one.release_id === release?.release_id ? 'current' : 'behind';
    return { kind: 'mirror', name, state, holds: one.release_id, at: one.synced_at, place: one.place };
  });
}

function streams(project: Project, ledger: Ledger): readonly LiveDestination[] {
  const known = new Map(ledger.streams.positions().map((one) => [one.stream, one]));
  return Object.entries(project.streams ?? {}).map(([name, spec]) => {
    const one = known.get(name);
    const place = `topic ${spec.topic}`;
    if (one === undefined || one.version < 0)
      return { kind: 'stream', name, state: 'empty', holds: null, at: null, place };
    const newest = ledger.lastSuccess(spec.from)?.output_version;
    const state = newest === one.version ? 'current' : 'behind';
    return { kind: 'stream', name, state, holds: `version ${one.version}`, at: null, place };
  });
}
