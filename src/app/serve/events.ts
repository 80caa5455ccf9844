import type { ServerEvent } from '../../core/contract/dashboard.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Serving } from './serving.ts';

/** Who listens, at once. */
const LISTENERS_MAX = 200;

/** Tells those who listen of new releases and of runs. */
export class ServerEvents {
  readonly #serving: Serving;
  readonly #listeners = new Set<(event: ServerEvent) => void>();
  #release_id: string | undefined;
  #stamp: string | undefined;

  constructor(serving: Serving) {
    this.#serving = serving;
    this.#release_id = serving.current?.release_id;
    this.#stamp = serving.stamp;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Gives back what ends it. @throws DataflowError E_SERVE_BUSY when too many listen. */
  listen(listener: (event: ServerEvent) => void): () => void {
    if (this.#listeners.size >= LISTENERS_MAX)
      throw new DataflowError('E_SERVE_BUSY', `${LISTENERS_MAX} listen already`);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells what changed since the last look. Called once the server has looked at the ledger. */
  async look(): Promise<void> {
    const { current, stamp } = this.#serving;
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      if (this.#listeners.size > 0) await this.#tellRun();
    }
    if (current === undefined || current.release_id === this.#release_id) return;
    const { release_id, created_at } = current;
    this.#release_id = release_id;
    this.#tell({ event: 'release', data: { release_id, created_at } });
  }

  async #tellRun(): Promise<void> {
    const [run] = await this.#serving.ask((ledger) => ledger.runs(1));
    if (run !== undefined) this.#tell({ event: 'run', data: { run_id: run.run_id, status: run.status } });
  }

  #tell(event: ServerEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
