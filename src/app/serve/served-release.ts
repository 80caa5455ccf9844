import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Lease } from '../../core/ports/leases.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import type { ReadTables } from '../../core/ports/read-engine.ts';
import { relationOf } from '../../medallion/context.ts';

/** A table up to this size is held in memory: reading its files again would take longer than the answer. */
const KEEP_ROWS_MAX = 100_000;
const KEEP_BYTES_MAX = 4_000_000;

/** The tables of one release, readable as long as someone asks for them. A lease keeps their files. */
export class ServedRelease {
  readonly record: ReleaseRecord;
  readonly tables: ReadTables;
  readonly #lake: Lake;
  readonly #lease: Lease;
  /** Tables that were lost and made anew since: the versions that the release names are not theirs. */
  readonly #anew: ReadonlySet<string>;
  readonly #bound = new Map<string, Promise<Snapshot>>();
  #users = 0;
  #retired = false;
  /** When it was asked last. */
  used_ms = Date.now();

  constructor(parts: {
    readonly record: ReleaseRecord;
    readonly tables: ReadTables;
    readonly lake: Lake;
    readonly lease: Lease;
    readonly anew: readonly string[];
  }) {
    this.record = parts.record;
    this.tables = parts.tables;
    this.#lake = parts.lake;
    this.#lease = parts.lease;
    this.#anew = new Set(parts.anew);
  }

  get busy(): boolean {
    return this.#users > 0;
  }

  /** Whoever uses it calls the function that is given back, once, when he has read. */
  use(): () => void {
    this.#users += 1;
    this.used_ms = Date.now();
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#users -= 1;
      if (this.#retired && this.#users === 0) void this.#close();
    };
  }

  has(key: string): boolean {
    return this.record.tables[key] !== undefined;
  }

  /** The version of a table that belongs to the release, readable by its name. @throws DataflowError E_SERVE_UNKNOWN, E_SERVE_GONE */
  table(key: string): Promise<Snapshot> {
    const known = this.#bound.get(key);
    if (known !== undefined) return known;
    const bound = this.#bind(key);
    this.#bound.set(key, bound);
    // The next one who asks tries again.
    bound.catch(() => this.#bound.delete(key));
    return bound;
  }

  /** Renews the lease. */
  async renew(): Promise<void> {
    await this.#lease.pin(this.record.tables);
  }

  /** Closes it once nobody uses it any more. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#users === 0) await this.#close();
  }

  /** Lets go of the files at once: nobody is answered any more, and who still reads is cut off with the engine. */
  async end(): Promise<void> {
    await this.retire();
    await this.#lease.release();
  }

  /** A table of the release, whose rows are not asked for. @throws DataflowError E_SERVE_UNKNOWN, E_SERVE_GONE */
  async facts(key: string): Promise<Snapshot> {
    const table = parseTableKey(key);
    const version = this.record.tables[key];
    if (table === undefined || version === undefined)
      throw new DataflowError('E_SERVE_UNKNOWN', `release ${this.record.release_id} has no table ${key}`);
    const snapshot = this.#anew.has(key)
      ? undefined
      : await this.#lake.snapshot(table, { version }).catch((error) => {
          if (error instanceof DataflowError && error.code === 'E_LAKE_NO_VERSION') return undefined;
          throw error;
        });
    if (snapshot === undefined)
      throw new DataflowError(
        'E_SERVE_GONE',
        `${key} as it was in release ${this.record.release_id} is not kept any more`,
      );
    return snapshot;
  }

  async #bind(key: string): Promise<Snapshot> {
    const snapshot = await this.facts(key);
    const keep = snapshot.rows <= KEEP_ROWS_MAX && snapshot.size_bytes <= KEEP_BYTES_MAX;
    await this.tables.bind(relationOf(snapshot, key), keep);
    return snapshot;
  }

  async #close(): Promise<void> {
    await this.tables.close();
    await this.#lease.release();
  }
}
