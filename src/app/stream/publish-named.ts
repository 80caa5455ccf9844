import type { Project } from '../../core/model/project.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading, openLedgerFor } from '../run/open-project.ts';
import { type PublishOptions, type PublishReport, publishStream, streamOf } from './publish-stream.ts';

export interface PublishNamedOptions extends PublishOptions {
  /** The command line as typed, for the lock. */
  readonly command: string;
  /** A remark of the system that is published to. */
  readonly note: (text: string) => void;
}

/**
 * Opens what publishing a stream needs, under the stream's lock, and publishes it: see {@link publishStream}.
 * @throws DataflowError E_SELECTION, E_LOCKED
 */
export async function publishNamed(
  rooms: Rooms,
  project: Project,
  { command, note, ...options }: PublishNamedOptions,
): Promise<PublishReport> {
  const { name, dry_run, signal } = options;
  streamOf(project, name);
  const lake = await rooms.openLake(project);
  const ledger = await (dry_run ? ledgerForReading : openLedgerFor)(rooms, project, lake);
  try {
    const lock = dry_run ? undefined : ledger.lock(`stream:${project.name}/${name}`, command);
    // Before any version is looked up: from here on nothing is collected that is read below.
    const lease = await (await rooms.openLeases(project)).open('stream publish');
    const publisher = await rooms.openPublisher({ name, project, signal, note });
    try {
      const graph = buildGraph(project, await rooms.checks());
      const openEngine = () => rooms.openEngine(project);
      return await publishStream({ project, graph, lake, ledger, publisher, openEngine }, options);
    } finally {
      await publisher.close();
      await lease.release();
      lock?.release();
    }
  } finally {
    ledger.close();
  }
}
