import { ByteCache } from '../kit/byte-cache.ts';
import type { Encoding } from './encodings.ts';

/** An answer as it was sent. */
export interface KeptAnswer {
  readonly type: string;
  readonly release_id: string;
  readonly created_at: string;
  /** Of the answer as it is. */
  readonly etag: string;
  /** How `body` is packed. */
  readonly encoding: Encoding;
  readonly body: Buffer;
  /** The same as text, of small answers as they are: head and text leave in one piece then, which takes a third less time. */
  readonly text?: string;
}

/** Answers of the newest release, by address and form. A release never changes, so that what is kept stays right as long as it is asked for. */
export class AnswerCache {
  readonly #kept: ByteCache<KeptAnswer>;
  hits = 0;

  constructor(bytes_max: number) {
    this.#kept = new ByteCache(bytes_max);
  }

  get bytes(): number {
    return this.#kept.bytes;
  }

  get(key: string): KeptAnswer | undefined {
    const found = this.#kept.get(key);
    if (found !== undefined) this.hits += 1;
    return found;
  }

  keep(key: string, answer: KeptAnswer): void {
    this.#kept.set(key, answer, answer.body.length + (answer.text?.length ?? 0));
  }
}
