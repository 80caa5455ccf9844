import type { DuckDBConnection } from '@duckdb/node-api';

/**
 * One thread less for an instance, as long as work goes on beside which somebody else keeps a core busy. On a machine of two cores the engine's second thread would
 * mostly wait for that core, and one that has nothing to do asks for work without a pause: alone, the other thread takes a third less processor time.
 */
export class SparedCore {
  readonly #threads: number;
  readonly #spares: boolean;
  #works = 0;
  #set: number;
  #setting: Promise<void> = Promise.resolve();

  /** @param threads those of the instance @param cpus of the machine: with fewer threads than these a core is free anyway */
  constructor(threads: number, cpus: number) {
    this.#threads = threads;
    this.#set = threads;
    this.#spares = threads > 1 && threads >= cpus;
  }

  async during<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
    if (!this.#spares) return await work();
    this.#works += 1;
    await this.#settle(connection);
    try {
      return await work();
    } finally {
      this.#works -= 1;
      await this.#settle(connection);
    }
  }

  #settle(connection: DuckDBConnection): Promise<void> {
    this.#setting = this.#setting.then(async () => {
      const wanted = this.#works > 0 ? this.#threads - 1 : this.#threads;
      if (wanted === this.#set) return;
      try {
        await connection.run(`set threads = ${wanted}`);
        this.#set = wanted;
      } catch {
        // What it is for goes on without it; a connection that is lost says so itself.
      }
    });
    return this.#setting;
  }
}
