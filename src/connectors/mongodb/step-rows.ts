import type { Document } from 'mongodb';
import type { TableChange } from '../../core/ports/sink.ts';
import { type Batch, type KeyBatch, type MakeOptions, outDocuments, outKeys } from './out-documents.ts';

/** What one command carries. */
export const BATCH_DOCUMENTS = 2000;
export const BATCH_BYTES = 4 * 1024 * 1024;

/** The rows of a step: held as far as they fit into a transaction, then as they come. */
export class StepRows {
  readonly #gone: AsyncGenerator<KeyBatch, void, void> | undefined;
  readonly #documents: AsyncGenerator<Batch, void, void>;
  readonly gone: unknown[] = [];
  readonly documents: Document[] = [];
  size_bytes = 0;

  constructor({ rows, gone }: TableChange, make: MakeOptions) {
    this.#gone = gone === undefined ? undefined : outKeys(gone, make);
    this.#documents = outDocuments(rows, make);
  }

  /** True: all of them are here. */
  async read(writes_max: number, bytes_max: number): Promise<boolean> {
    const fits = (): boolean => this.gone.length + this.documents.length <= writes_max && this.size_bytes <= bytes_max;
    while (fits()) {
      const next = await this.#gone?.next();
      if (next === undefined || next.done === true) break;
      this.gone.push(...next.value.ids);
      this.size_bytes += next.value.size_bytes;
    }
    while (fits()) {
      const next = await this.#documents.next();
      if (next.done === true) return true;
      this.documents.push(...next.value.documents);
      this.size_bytes += next.value.size_bytes;
    }
    return false;
  }

  async *goneBatches(): AsyncGenerator<readonly unknown[], void, void> {
    if (this.gone.length > 0) yield this.gone;
    for await (const { ids } of this.#gone ?? []) yield ids;
  }

  async *documentBatches(): AsyncGenerator<readonly Document[], void, void> {
    for (let at = 0; at < this.documents.length; at += BATCH_DOCUMENTS)
      yield this.documents.slice(at, at + BATCH_DOCUMENTS);
    for await (const { documents } of this.#documents) yield documents;
  }
}
