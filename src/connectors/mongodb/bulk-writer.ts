import { setTimeout as sleep } from 'node:timers/promises';
import type { Db, Document } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { jitteredWait } from '../../kit/backoff.ts';
import { mayPass } from './sink-errors.ts';

/** Commands under way at once: while the server writes some, the next ones are made. */
const IN_FLIGHT = 4;
const RETRY = { attempts: 12, base_ms: 100, max_ms: 5000 };
const DUPLICATE_KEY = 11000;

/** A document that the server did not take. */
export interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
}

export interface WriterOptions {
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** A document that is refused; throws to stop. */
  readonly refuse: (document: Document, error: WriteError) => void;
}

/**
 * Unordered writes, several under way at once. A write that is lost in an election or with its connection is sent again: every document has
 * its `_id`, so that it leads to the same ones.
 */
export class BulkWriter {
  readonly #database: Db;
  readonly #options: WriterOptions;
  readonly #under_way = new Set<Promise<void>>();
  #failed: unknown;
  #told = false;
  /** `append`: documents whose `_id` was there. */
  skipped = 0;
  inserted = 0;
  deleted = 0;

  constructor(database: Db, options: WriterOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** @param there what becomes of one whose `_id` is there already: it is an error, or it is left alone */
  async insert(collection: string, documents: readonly Document[], there: 'refuse' | 'skip' = 'refuse'): Promise<void> {
    await this.#start(async () => {
      const { answer, again } = await this.#send({ insert: collection, documents, ordered: false });
      let not_taken = 0;
      for (const error of errorsOf(answer)) {
        not_taken += 1;
        const document = documents[error.index] ?? {};
        if (error.code === DUPLICATE_KEY && there === 'skip') this.skipped += 1;
        else if (error.code === DUPLICATE_KEY && again && error.errmsg.includes('index: _id_')) not_taken -= 1;
        else this.#options.refuse(document, error);
      }
      this.inserted += documents.length - not_taken;
    });
  }

  /** Replaces documents by their `_id`, or inserts them. */
  async upsert(collection: string, documents: readonly Document[]): Promise<void> {
    await this.#start(async () => {
      let left = documents;
      for (let round = 1; left.length > 0; round += 1) {
        const { answer } = await this.#send(upsertCommand(collection, left));
        this.inserted += upsertedIn(answer);
        const raced: Document[] = [];
        for (const error of errorsOf(answer)) {
          const document = left[error.index] ?? {};
          // Two upserts of one key at the same moment: the one that lost is an update now.
          if (error.code === DUPLICATE_KEY && round === 1) raced.push(document);
          else this.#options.refuse(document, error);
        }
        left = raced;
      }
    });
  }

  async remove(collection: string, ids: readonly unknown[]): Promise<void> {
    await this.#start(async () => {
      const { answer } = await this.#send(removeCommand(collection, ids));
      this.deleted += Number(answer['n'] ?? 0);
    });
  }

  /** Waits for all that is under way. @throws what went wrong */
  async drain(): Promise<void> {
    await Promise.all(this.#under_way);
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Waits for room, not for the end. */
  async #start(work: () => Promise<void>): Promise<void> {
    while (this.#under_way.size >= IN_FLIGHT) await Promise.race(this.#under_way);
    if (this.#failed !== undefined) throw this.#failed;
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#failed ??= error;
      })
      .finally(() => this.#under_way.delete(running));
    this.#under_way.add(running);
  }

  async #send(command: Document): Promise<{ readonly answer: Document; readonly again: boolean }> {
    const { signal, note } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await this.#database.command({ ...command, writeConcern: { w: 'majority' } });
        const unsure = answer['writeConcernError'] as { readonly errmsg?: string } | undefined;
        if (unsure === undefined) return { answer, again: attempt > 1 };
        throw new DataflowError(
          'E_LOAD_UNREACHABLE',
          `the members of the set did not confirm a write: ${unsure.errmsg ?? ''}`,
        );
      } catch (error) {
        if (!mayPass(error) || attempt >= RETRY.attempts || signal.aborted) throw error;
        if (!this.#told)
          note(`a write was cut off (${error instanceof Error ? error.message : String(error)}); it is sent again`);
        this.#told = true;
        await sleep(jitteredWait(attempt, RETRY), undefined, { signal });
      }
    }
  }
}

function errorsOf(answer: Document): readonly WriteError[] {
  return (answer['writeErrors'] as readonly WriteError[] | undefined) ?? [];
}

export function upsertedIn(answer: Document): number {
  return (answer['upserted'] as readonly unknown[] | undefined)?.length ?? 0;
}

export function upsertCommand(collection: string, documents: readonly Document[]): Document {
  const updates = documents.map((u) => ({ q: { _id: u['_id'] as unknown }, u, upsert: true }));
  return { update: collection, updates, ordered: false };
}

export function removeCommand(collection: string, ids: readonly unknown[]): Document {
  return { delete: collection, deletes: [{ q: { _id: { $in: ids } }, limit: 0 }] };
}
