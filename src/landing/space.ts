import { DataflowError } from '../core/errors/dataflow-error.ts';
import { freeBytes } from '../kit/disk-space.ts';
import { sizeText } from '../kit/units.ts';

/** The disk is asked each time that so much was written: less is over before it would pay. */
const STRIDE_BYTES = 8 * 1024 * 1024;
/** What is left free besides: the ledger, the log, what the engine puts aside. */
const RESERVE_BYTES = 16 * 1024 * 1024;
/** Landed text becomes at most about so much of itself in the lake, before it is removed. */
const LAKE_SHARE = 0.5;

/** Watches the disk while something lands: room must be left for what was landed to come into the lake. */
export class SpaceWatch {
  readonly #folder: string;
  #taken_bytes = 0;
  #asked_at_bytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Told of bytes that are about to be written.
   * @throws DataflowError E_LAKE_SPACE when they would leave too little
   */
  async take(bytes: number): Promise<void> {
    this.#taken_bytes += bytes;
    if (this.#taken_bytes - this.#asked_at_bytes < STRIDE_BYTES) return;
    this.#asked_at_bytes = this.#taken_bytes;
    const free = await freeBytes(this.#folder);
    if (free === undefined || free >= bytes + this.#taken_bytes * LAKE_SHARE + RESERVE_BYTES) return;
    throw noSpace(
      `${sizeText(this.#taken_bytes)} were landed and have to come into the lake, but only ${sizeText(free)} are free at ${this.#folder}`,
    );
  }
}

export function noSpace(what: string, cause?: unknown): DataflowError {
  return new DataflowError('E_LAKE_SPACE', what, {
    kept: 'whole units that were landed, and every published version',
    hint: 'Make room, then run again: it goes on from what was landed, where the source lets it.',
    ...(cause === undefined ? {} : { cause }),
  });
}
