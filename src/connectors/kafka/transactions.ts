import type { AbortedTransaction } from './client.ts';
import { type RecordBatch, RecordCursor } from './record-batch.ts';

const ABORT = 0;

/** Knows which batches of one answer belong to transactions that were aborted: their messages never happened. */
export class AbortedFilter {
  readonly #waiting: AbortedTransaction[];
  readonly #producers = new Set<bigint>();
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => a.first_offset - b.first_offset);
  }

  /** To be asked for each batch in order. @returns false when the batch holds no message that counts */
  counts(batch: RecordBatch): boolean {
    for (
      let first = this.#waiting[0];
      first !== undefined && first.first_offset <= batch.last_offset;
      first = this.#waiting[0]
    ) {
      this.#producers.add(first.producer_id);
      this.#waiting.shift();
    }
    if (batch.control) {
      if (isAbort(batch)) this.#producers.delete(batch.producer_id);
      return false;
    }
    return !(batch.transactional && this.#producers.has(batch.producer_id));
  }
}

/** A marker's key is a version and a kind, two bytes each. */
function isAbort(batch: RecordBatch): boolean {
  const cursor = new RecordCursor(batch);
  return (
    cursor.next() && cursor.key_to - cursor.key_from >= 4 && cursor.bytes.readInt16BE(cursor.key_from + 2) === ABORT
  );
}
