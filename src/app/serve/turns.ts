import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ServeLimits } from '../../core/model/serve.ts';
import { Gate } from '../../kit/gate.ts';

/** One question's time with the engine. */
export interface Turn {
  /** Aborted when the client goes, or when the time is over. */
  readonly signal: AbortSignal;
  end(): void;
  /** What to say of an error: that the time was over, when it was. */
  blamed(error: unknown): unknown;
}

/** So many questions are worked on at once, each for so long; others wait, and beyond a number of those they are refused. */
export class Turns {
  readonly #gate: Gate;
  readonly #seconds_max: number;

  constructor({ concurrency, waiting_max, seconds_max }: ServeLimits) {
    this.#gate = new Gate(concurrency, waiting_max);
    this.#seconds_max = seconds_max;
  }

  get working(): number {
    return this.#gate.held;
  }

  get waiting(): number {
    return this.#gate.waiting;
  }

  /** @throws DataflowError E_SERVE_BUSY, E_SERVE_TIME */
  async take(client: AbortSignal): Promise<Turn> {
    const clock = AbortSignal.timeout(this.#seconds_max * 1000);
    const signal = AbortSignal.any([client, clock]);
    const blamed = (error: unknown): unknown =>
      clock.aborted && !client.aborted
        ? new DataflowError('E_SERVE_TIME', `the answer took longer than ${this.#seconds_max} s`, { cause: error })
        : error;
    let leave: (() => void) | undefined;
    try {
      leave = await this.#gate.enter(signal);
    } catch (error) {
      throw blamed(error);
    }
    if (leave === undefined) throw new DataflowError('E_SERVE_BUSY', 'too many questions are waiting already');
    return { signal, end: leave, blamed };
  }
}
