import { createHash } from 'node:crypto';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { AskedEnrich } from '../../../core/model/enrich.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import type { RememberedAnswer } from '../../../core/ports/lookup-ledger.ts';
import { faultPoint } from '../../../kit/fault.ts';
import { quoteIdent, quoteText } from '../../../kit/sql.ts';
import { appliedDecision } from '../../decisions.ts';
import type { SilverStep } from '../sql.ts';
import { type AskedKey, Asking, placesOf } from './asking.ts';

/** What became of the keys of a lookup. */
export interface LookupCount {
  readonly keys: number;
  readonly asked: number;
  readonly remembered: number;
  readonly failed: number;
  /** When the oldest answer that was used was given. */
  readonly oldest_ms: number | undefined;
}

const PAGE_KEYS = 5_000;
const ROWS_PER_INSERT = 1_000;
/** Fewer keys than this say nothing about the rest. */
const FAILED_MIN = 20;
const DAY_MS = 86_400_000;

/** Digest under which the answers are remembered. */
export function questionDigest({ lookup, question }: AskedEnrich): string {
  return createHash('sha256').update(`${lookup} ${question}`).digest('base64url');
}

/** Gathers the answers for one lookup of a step: from memory, and by asking for the rest. */
export class Answers {
  readonly #step: SilverStep;
  readonly #session: EngineSession;
  readonly #spec: AskedEnrich;
  readonly #index: number;
  readonly #question: string;
  readonly #places: readonly string[];
  /** Keys that were known to have no answer before this run. */
  readonly #known_failing = new Set<string>();
  readonly #failed = new Map<string, string>();
  /** Answers of one page. */
  #page = new Map<string, readonly (string | null)[]>();
  #asked = 0;
  #keys = 0;
  #oldest_ms: number | undefined;

  constructor(step: SilverStep, session: EngineSession, spec: AskedEnrich, index: number) {
    this.#step = step;
    this.#session = session;
    this.#spec = spec;
    this.#index = index;
    this.#question = questionDigest(spec);
    this.#places = placesOf(spec);
  }

  /**
   * Makes the temporary table `answers_<index>` (`k1`…, `v1`…, `failed`): a row for each distinct key in `from` of which something is known.
   * @throws DataflowError when the system is down, or refuses everybody.
   */
  async gather(from: string, decided: boolean): Promise<void> {
    const { columns } = this.#spec;
    this.#keys = await this.#session.materialize(this.#name('keys'), this.#keysSql(from, decided));
    const empty = [...columns.map((_, i) => `k${i + 1}`), ...this.#places.map((_, i) => `v${i + 1}`), 'failed'];
    const cells = empty.map((name) => `cast(null as varchar) as ${name}`).join(', ');
    await this.#session.materialize(this.#name('answers'), `select ${cells} where false`);
    if (this.#step.recall !== undefined) return this.#pages((keys) => this.#recall(keys));
    const lookup = await this.#step.run.openLookup(this.#spec);
    try {
      const asking = this.#asking(lookup);
      await this.#pages(async (keys) => {
        const missing = this.#fromMemory(keys);
        this.#asked += missing.length;
        await asking.ask(missing);
        await asking.finish();
      });
    } finally {
      await lookup.close();
    }
  }

  /** Answers that turned out not to be what was declared count as none, so that they are asked for again. */
  misfit(texts: readonly string[], reason: string): void {
    this.#failed.set(JSON.stringify(texts), reason);
  }

  /**
   * Remembers which keys have no answer, for the rest of this run.
   * @throws DataflowError E_LOOKUP_FAILED when there are so many that rather the lookup is wrong.
   */
  settle(): LookupCount {
    if (this.#step.recall === undefined) {
      this.#refuseMost();
      const { run } = this.#step;
      const asked = { asked_at_ms: run.now_ms, run_id: run.run_id };
      const failed = [...this.#failed].map(([key, reason]) => ({ key, failed: reason, ...asked }));
      run.ledger.lookups.record(this.#question, failed);
    }
    return {
      keys: this.#keys,
      asked: this.#asked,
      remembered: this.#keys - this.#asked,
      failed: this.#failed.size,
      oldest_ms: this.#oldest_ms,
    };
  }

  #refuseMost(): void {
    const { name, failed_max_pct } = this.#spec;
    const fresh = [...this.#failed.keys()].filter((key) => !this.#known_failing.has(key)).length;
    const keys = this.#keys - (this.#failed.size - fresh);
    if (fresh < FAILED_MIN || fresh * 100 <= failed_max_pct * keys) return;
    const [first] = this.#failed;
    const n = (value: number): string => value.toLocaleString('en');
    throw new DataflowError(
      'E_LOOKUP_FAILED',
      `${name}: ${n(fresh)} of ${n(keys)} keys have no answer, more than failed_max_pct (${failed_max_pct} %), such as ${first?.[0]}: ${first?.[1]}`,
    );
  }

  #name(kind: 'keys' | 'answers'): string {
    return `${kind}_${this.#index}`;
  }

  /** Rows that a person sends again are asked for anew, whatever is remembered of their key. */
  #keysSql(from: string, decided: boolean): string {
    const { columns } = this.#spec;
    const texts = columns.map((column, i) => `cast(${quoteIdent(column)} as varchar) as k${i + 1}`).join(', ');
    const given = columns.map((column) => `${quoteIdent(column)} is not null`).join(' and ');
    const names = columns.map((_, i) => `k${i + 1}`).join(', ');
    const sent = decided && this.#step.recall === undefined ? this.#sentAgainSql() : 'false';
    return `select ${names}, _anew, row_number() over (order by ${names}) as _n from (
      select ${names}, bool_or(_sent) as _anew from (
        select ${texts}, ${sent} as _sent from ${from} where ${given} and not coalesce(_discarded, false)) group by ${names})`;
  }

  #sentAgainSql(): string {
    const pending = `decision > ${appliedDecision(this.#step)} and action <> 'discard'`;
    return `coalesce(_qid in (select quarantine_id from in_force where ${pending}), false)`;
  }

  async #pages(work: (keys: readonly PagedKey[]) => Promise<void> | void): Promise<void> {
    const names = this.#spec.columns.map((_, i) => `k${i + 1}`);
    for (let first = 0; first < this.#keys; first += PAGE_KEYS) {
      this.#step.run.signal?.throwIfAborted();
      const sql = `select ${names.join(', ')}, _anew from ${this.#name('keys')} where _n > ${first} and _n <= ${first + PAGE_KEYS} order by _n`;
      const rows = await this.#session.rows(sql);
      const keys = rows.map((row) => {
        const texts = names.map((name) => String(row[name]));
        return { key: JSON.stringify(texts), texts, anew: row['_anew'] === true };
      });
      await work(keys);
      await this.#insert(keys);
      this.#page = new Map();
    }
  }

  /** Takes what is remembered and still counts; returns the rest. */
  #fromMemory(keys: readonly PagedKey[]): readonly AskedKey[] {
    const { run } = this.#step;
    const since_ms = run.now_ms - this.#spec.cache_days * DAY_MS;
    const remembered = run.ledger.lookups.known(
      this.#question,
      keys.map(({ key }) => key),
    );
    return keys.filter(({ key, anew }) => {
      const one = remembered.get(key);
      if (one === undefined) return true;
      const here = one.run_id === run.run_id;
      if (one.failed !== undefined) {
        if (here) this.#failed.set(key, one.failed);
        this.#known_failing.add(key);
        return !here;
      }
      if (!here && (anew || one.asked_at_ms <= since_ms)) return true;
      return !this.#take(one);
    });
  }

  #recall(keys: readonly PagedKey[]): void {
    const ledger: Ledger | undefined = this.#step.run.ledger;
    const remembered = ledger?.lookups.known(
      this.#question,
      keys.map(({ key }) => key),
    );
    for (const one of remembered?.values() ?? []) {
      if (one.failed === undefined) this.#take(one);
      else this.#failed.set(one.key, one.failed);
    }
  }

  /** False when an answer has not all that is wanted now. */
  #take({ key, values = {}, asked_at_ms }: RememberedAnswer): boolean {
    const texts = this.#places.map((place) => values[place]);
    if (texts.includes(undefined)) return false;
    this.#page.set(key, texts as readonly (string | null)[]);
    this.#oldest_ms = Math.min(this.#oldest_ms ?? asked_at_ms, asked_at_ms);
    return true;
  }

  #asking(lookup: ConstructorParameters<typeof Asking>[0]): Asking {
    const { run, node } = this.#step;
    const { lookups } = run.ledger;
    const events = {
      answered: ({ key }: AskedKey, texts: readonly (string | null)[]) => {
        const values = Object.fromEntries(this.#places.map((place, i) => [place, texts[i] ?? null]));
        lookups.record(this.#question, [{ key, values, asked_at_ms: Date.now(), run_id: run.run_id }]);
        this.#page.set(key, texts);
        faultPoint('after-lookup');
      },
      failed: ({ key }: AskedKey, reason: string) => {
        this.#failed.set(key, run.redact(reason));
      },
      knownKey: () => {
        const key = lookups.anyAnswered(this.#question);
        return key === undefined ? undefined : { key, texts: JSON.parse(key) as string[] };
      },
    };
    const note = (text: string): void => run.notice(`${node.key}: ${text}`);
    return new Asking(lookup, this.#spec, events, { signal: run.signal, note });
  }

  async #insert(keys: readonly PagedKey[]): Promise<void> {
    const rows = keys.flatMap(({ key, texts }) => {
      const values = this.#page.get(key);
      const failed = this.#failed.get(key);
      if (values === undefined && failed === undefined) return [];
      const cells = values ?? this.#places.map(() => null);
      return [`(${[...texts, ...cells, values === undefined ? (failed ?? null) : null].map(literal).join(', ')})`];
    });
    for (let first = 0; first < rows.length; first += ROWS_PER_INSERT) {
      const sql = `select * from (values ${rows.slice(first, first + ROWS_PER_INSERT).join(', ')})`;
      await this.#session.materialize(this.#name('answers'), sql, { append: true });
    }
  }
}

interface PagedKey extends AskedKey {
  readonly anew: boolean;
}

/** A text may hold NUL, a literal may not. */
function literal(text: string | null): string {
  return text === null ? 'cast(null as varchar)' : text.split('\0').map(quoteText).join(' || chr(0) || ');
}
