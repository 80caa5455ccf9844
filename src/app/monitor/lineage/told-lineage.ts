import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Project } from '../../../core/model/project.ts';
import { openLineageEvents, openLineageStart } from '../../explain/openlineage-events.ts';
import type { Rooms } from '../../rooms.ts';
import type { RunEvent } from '../../run/run-events.ts';
import { LineageWay, lineageSecondsMax, lineageTarget } from './deliver-events.ts';

/**
 * Tells a lineage service, or a file, of one run: that it has begun while it goes on, beside it, and everything else at its end, from the ledger. Nobody waits
 * for the service but the end of the command, and that for a bounded time.
 */
export class ToldLineage {
  readonly #rooms: Rooms;
  readonly #project: Project;
  readonly #env: NodeJS.ProcessEnv;
  readonly #way: LineageWay;
  /** Ends the START when all time is over. */
  readonly #too_late = new AbortController();
  #run_id: string | undefined;
  /** Whether the START was taken. */
  #begun: Promise<boolean> = Promise.resolve(false);

  constructor(rooms: Rooms, project: Project, env: NodeJS.ProcessEnv, way: LineageWay) {
    this.#rooms = rooms;
    this.#project = project;
    this.#env = env;
    this.#way = way;
  }

  learn(event: RunEvent): void {
    if (event.type !== 'run_started') return;
    this.#run_id = event.run_id;
    const start = openLineageStart(this.#rooms, this.#project, event, this.#env);
    this.#begun = this.#way.deliver(this.#lines([start]), { once: true, until: this.#too_late.signal }).then(
      () => true,
      () => false, // it is delivered with the others, or said then
    );
  }

  /** Waits for the other side no longer than `openlineage.seconds_max` says. @throws DataflowError E_LINEAGE_SEND */
  async end(): Promise<void> {
    const seconds_max = lineageSecondsMax(this.#project);
    let until: AbortSignal | undefined;
    try {
      if (this.#run_id === undefined) return;
      const options = { run_id: this.#run_id, env: this.#env, spare_engine: true };
      const events = this.#lines(await openLineageEvents(this.#rooms, this.#project, options));
      until = AbortSignal.timeout(seconds_max * 1000);
      until.addEventListener('abort', () => this.#too_late.abort());
      await this.#way.deliver((await this.#begun) ? events.slice(1) : events, { until });
    } catch (error) {
      if (!(error instanceof DataflowError) || error.code !== 'E_LINEAGE_SEND') throw error;
      const again = `dataflow lineage --openlineage --run ${this.#run_id} --send`;
      const limit = until?.aborted === true ? ` (openlineage.seconds_max: ${seconds_max})` : '';
      throw new DataflowError(error.code, `${error.message}${limit}; later: ${again}`, { cause: error });
    } finally {
      await this.#way.close();
    }
  }

  #lines(events: readonly object[]): readonly string[] {
    return events.map((event) => this.#rooms.redact(JSON.stringify(event)));
  }
}

/** Undefined where events go nowhere. @throws DataflowError E_LINEAGE_SEND */
export function openLineage(rooms: Rooms, project: Project, env: NodeJS.ProcessEnv): ToldLineage | undefined {
  const target = lineageTarget(project, env);
  return target === undefined ? undefined : new ToldLineage(rooms, project, env, new LineageWay(target));
}

/** Sends the events of a run again: it is the same events, by their ids and times. @throws DataflowError E_LINEAGE_SEND */
export async function sendLineage(
  rooms: Rooms,
  project: Project,
  options: { readonly run_id?: string; readonly env: NodeJS.ProcessEnv },
): Promise<number | undefined> {
  const target = lineageTarget(project, options.env);
  if (target === undefined) return undefined;
  const events = await openLineageEvents(rooms, project, options);
  const way = new LineageWay(target);
  try {
    await way.deliver(events.map((event) => rooms.redact(JSON.stringify(event))));
  } finally {
    await way.close();
  }
  return events.length;
}
