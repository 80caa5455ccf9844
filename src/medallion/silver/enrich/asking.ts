import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { AskedEnrich } from '../../../core/model/enrich.ts';
import type { Lookup, LookupContext, LookupReply } from '../../../core/ports/lookup.ts';

/** One key as it is asked for. */
export interface AskedKey {
  /** JSON array of its texts. */
  readonly key: string;
  /** Its texts, in the order of the lookup's columns. */
  readonly texts: readonly string[];
}

/** Told as replies are certain: a failure only when it is known that it is the key's. */
export interface AskingEvents {
  answered(key: AskedKey, values: readonly (string | null)[]): void;
  failed(key: AskedKey, reason: string): void;
  /** A key that was answered before, in case nobody was in this asking. */
  knownKey(): AskedKey | undefined;
}

/** A key without an answer: its own fault, or that of the system? */
interface Doubt {
  readonly key: AskedKey;
  readonly reason: string;
  readonly error: Error;
  /** Questions that had begun when it ended. */
  readonly begun: number;
}

/** So many keys in doubt are enough to ask whether anybody answers at all. */
const DOUBTS_MAX = 5;

/**
 * Asks for keys, several at a time. A key that gets no answer is at fault only if the system answered another question that was asked
 * after it; when none was, a key that is known to have an answer is asked for once more. Without an answer to that either the
 * system is down: then nothing is known of any row, and the step fails.
 */
export class Asking {
  readonly #lookup: Lookup;
  readonly #spec: AskedEnrich;
  readonly #events: AskingEvents;
  readonly #context: LookupContext;
  readonly #wanted: readonly string[];
  readonly #stop = new AbortController();
  #begun = 0;
  #doubts: readonly Doubt[] = [];
  #answered: AskedKey | undefined;
  #settling: Promise<void> | undefined;
  #broken: { readonly error: unknown } | undefined;

  constructor(lookup: Lookup, spec: AskedEnrich, events: AskingEvents, context: LookupContext) {
    this.#lookup = lookup;
    this.#spec = spec;
    this.#events = events;
    this.#context = { ...context, signal: AbortSignal.any([context.signal, this.#stop.signal]) };
    this.#wanted = placesOf(spec);
  }

  /** @throws DataflowError when the system cannot be asked. Keys whose fault is not certain are told of by {@link finish}. */
  async ask(keys: readonly AskedKey[]): Promise<void> {
    const { many } = this.#lookup;
    if (many !== undefined) return this.#askMany(many, keys);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let key = keys[next++]; key !== undefined && this.#broken === undefined; key = keys[next++]) {
        await this.#settling;
        await this.#one(key);
        if (this.#doubts.length >= DOUBTS_MAX) await this.finish();
      }
    };
    const guarded = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        this.#broken ??= { error };
        this.#stop.abort();
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#spec.concurrency, keys.length) }, guarded));
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  async #askMany({ keys_max, ask }: NonNullable<Lookup['many']>, keys: readonly AskedKey[]): Promise<void> {
    for (let first = 0; first < keys.length; first += keys_max) {
      this.#context.signal.throwIfAborted();
      const some = keys.slice(first, first + keys_max);
      const replies = await ask(
        some.map(({ texts }) => this.#named(texts)),
        this.#wanted,
        this.#context,
      );
      for (const [index, key] of some.entries()) {
        const reply = replies[index];
        if (reply?.kind === 'answer') this.#events.answered(key, reply.values);
        else this.#events.failed(key, reply?.reason ?? 'no answer came');
      }
    }
  }

  /** Finds out about the keys that are still in doubt. @throws DataflowError when the system does not answer. */
  finish(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #one(key: AskedKey): Promise<void> {
    const begun = ++this.#begun;
    const reply = await this.#send(key);
    if (reply.kind === 'unreachable') {
      const { reason, error } = reply;
      this.#doubts = [...this.#doubts, { key, reason, error, begun: this.#begun }];
      return;
    }
    if (reply.kind === 'answer') {
      this.#answered = key;
      this.#events.answered(key, reply.values);
    } else this.#events.failed(key, reply.reason);
    this.#clear((doubt) => begun > doubt.begun);
  }

  #send({ texts }: AskedKey): Promise<LookupReply> {
    return this.#lookup.ask(this.#named(texts), this.#wanted, this.#context);
  }

  #named(texts: readonly string[]): Readonly<Record<string, string>> {
    return namedKey(this.#spec, texts);
  }

  /** The system answers: these keys have themselves to blame. */
  #clear(proved: (doubt: Doubt) => boolean): void {
    const own = this.#doubts.filter(proved);
    if (own.length === 0) return;
    this.#doubts = this.#doubts.filter((doubt) => !proved(doubt));
    for (const { key, reason } of own) this.#events.failed(key, reason);
  }

  async #settle(): Promise<void> {
    const [first] = this.#doubts;
    if (first === undefined) return;
    const doubts = new Set(this.#doubts);
    const known = this.#answered ?? this.#events.knownKey();
    const reply = known === undefined ? undefined : await this.#send(known);
    if (reply === undefined || reply.kind === 'unreachable') throw this.#outage(first);
    this.#clear((doubt) => doubts.has(doubt));
  }

  #outage({ error }: Doubt): Error {
    if (!(error instanceof DataflowError)) return error;
    return new DataflowError(
      error.code,
      `${this.#spec.name}: ${error.message}; no other key is answered either, so the service is taken to be down`,
      {
        hint: 'Run again when it answers, such as with dataflow retry: answers that came are remembered, only the others are asked for.',
        cause: error,
      },
    );
  }
}

/** A key as lookups take it: column → its value as text. */
export function namedKey(
  { columns }: Pick<AskedEnrich, 'columns'>,
  texts: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(columns.map((column, index) => [column, texts[index] ?? '']));
}

/** Where the values are in an answer, each place once. */
export function placesOf({ add }: Pick<AskedEnrich, 'add'>): readonly string[] {
  return [...new Set(Object.values(add).map(({ from }) => from))];
}
