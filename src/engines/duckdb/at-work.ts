import type { DuckDBConnection } from '@duckdb/node-api';
import type { SessionProgress, WriteTarget } from '../../core/ports/engine.ts';
import { WrittenSoFar } from './written-so-far.ts';

/** From so many bytes on the engine is told to count how far a statement is; below nobody would get to see it. */
const COUNTED_FROM_BYTES = 16_000_000;
export const COUNT: readonly string[] = [
  'set enable_progress_bar=true',
  'set enable_progress_bar_print=false',
  'set progress_bar_time=0',
];
export const COUNT_NO_MORE = 'set enable_progress_bar=false';

/** What a statement is about, for who asks meanwhile. */
export interface Task {
  readonly doing: SessionProgress['doing'];
  readonly target?: WriteTarget;
  /** What it reads at most. */
  readonly bytes: number;
}

/** The statement that a session works on. */
export class AtWork {
  readonly #connection: DuckDBConnection;
  #task: { readonly task: Task; readonly written: WrittenSoFar | undefined } | undefined;
  #counting = false;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Whether the engine was told to count, which the workplace is to be freed of. */
  get counting(): boolean {
    return this.#counting;
  }

  /** A task within another one is a part of it. @param tell has the engine told to count; `work` begins when it returns */
  async during<T>(task: Task, tell: (sql: string) => Promise<void>, work: () => Promise<T>): Promise<T> {
    if (this.#task !== undefined) return await work();
    const { target } = task;
    this.#task = { task, written: target === undefined ? undefined : new WrittenSoFar(target) };
    try {
      if (!this.#counting && task.bytes >= COUNTED_FROM_BYTES) {
        await tell(COUNT.join(';\n'));
        this.#counting = true;
      }
      return await work();
    } finally {
      this.#task = undefined;
    }
  }

  progress(): SessionProgress | undefined {
    if (this.#task === undefined) return undefined;
    const { task, written } = this.#task;
    const percentage = this.#counting ? this.#connection.progress.percentage : -1;
    return {
      doing: task.doing,
      ...written?.look(),
      percentage: percentage >= 0 ? percentage : undefined,
    };
  }
}
