import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph, descendantsOf } from '../../core/planning/graph.ts';
import type { Rooms } from '../rooms.ts';
import { openLedgerFor } from '../run/open-project.ts';
import { publishNamed } from './publish-named.ts';
import type { PublishReport } from './publish-stream.ts';

export interface PublishChangedOptions {
  /** The command line as typed, for the lock. */
  readonly command: string;
  /** Asks for the end: what is out stays out, and the next attempt goes on behind it. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly note: (message: string) => void;
  /** Told after each publish that sent something. */
  readonly published: (report: PublishReport) => void;
}

/** Keeps the streams of a service up to date with the newest release. */
export class ChangedStreams {
  readonly #rooms: Rooms;
  readonly #project: Project;
  readonly #names: readonly string[];
  readonly #options: PublishChangedOptions;
  /** Version of its table that each stream has out, as far as this process knows. */
  readonly #out = new Map<string, number>();

  /** @param names entries of `streams:` */
  constructor(rooms: Rooms, project: Project, names: readonly string[], options: PublishChangedOptions) {
    this.#rooms = rooms;
    this.#project = project;
    this.#names = names;
    this.#options = options;
  }

  /**
   * Publishes each stream whose table has another version in the newest release than the one that is out.
   * @returns the failure that is worth another attempt, if there was one
   */
  async publish(): Promise<DataflowError | undefined> {
    let failed: DataflowError | undefined;
    for (const name of await this.#due()) {
      if (this.#options.signal.aborted) return failed;
      try {
        const { command, signal, note } = this.#options;
        const report = await publishNamed(this.#rooms, this.#project, {
          ...{ name, command, signal, note },
          full: false,
          dry_run: false,
        });
        this.#out.set(name, report.version_to);
        if (report.messages > 0) this.#options.published(report);
      } catch (error) {
        if (this.#options.signal.aborted) return failed;
        if (!(error instanceof DataflowError) || !error.retryable) throw error;
        this.#options.warn(`stream ${name}: ${error.code}: ${error.message}`);
        failed = error;
      }
    }
    return failed;
  }

  async #due(): Promise<readonly string[]> {
    if (this.#names.length === 0) return [];
    const lake = await this.#rooms.openLake(this.#project);
    const ledger = await openLedgerFor(this.#rooms, this.#project, lake);
    try {
      const tables = ledger.latestRelease()?.tables ?? {};
      return this.#names.filter((name) => {
        const version = tables[this.#project.streams?.[name]?.from ?? ''];
        return version !== undefined && version !== this.#out.get(name);
      });
    } finally {
      ledger.close();
    }
  }
}

/** The streams whose table is one of these, or is made from one of them. */
export async function streamsBehind(
  rooms: Rooms,
  project: Project,
  tables: readonly string[],
): Promise<readonly string[]> {
  const graph = buildGraph(project, await rooms.checks());
  const own = new Set(tables);
  const behind = descendantsOf(graph, own);
  const isBehind = (table: string): boolean => own.has(table) || behind.has(table);
  return Object.entries(project.streams ?? {}).flatMap(([name, { from }]) => (isBehind(from) ? [name] : []));
}
