import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { SERVE_SPEC, type ServeSpec } from '../../core/model/serve.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Leases } from '../../core/ports/leases.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import type { ReadEngine } from '../../core/ports/read-engine.ts';
import type { StoreView } from '../../core/ports/store.ts';
import { matchesGlob } from '../../kit/glob.ts';
import { findRelease } from '../releases/find-release.ts';
import type { Rooms } from '../rooms.ts';
import { KeptLedger } from '../run/kept-ledger.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { ledgerForReading } from '../run/open-project.ts';
import type { InUse } from './in-use.ts';
import { ServedRelease } from './served-release.ts';
import { ServedStore } from './served-store.ts';
import { asked } from './store-rows.ts';
import { lakeInUse, storeInUse } from './ways-in-use.ts';

/** Releases beside the newest that stay open for those who walk their pages. */
const OLDER_MAX = 8;
const IDLE_MS = 15 * 60_000;
/** Well before a lease that nobody can look at expires. */
const RENEW_MS = 20 * 60_000;
const ALL = 1_000_000_000;
/** A destination that is asked what it holds answers within this time. */
const LOOK_MS = 10_000;

interface Parts {
  readonly rooms: Rooms;
  readonly project: Project;
  readonly lake: Lake;
  readonly leases: Leases;
  readonly store?: ServedStore;
}

/** What a server answers from: the newest release, and older ones as long as they are asked for. */
export class Serving {
  readonly project: Project;
  readonly spec: ServeSpec;
  readonly lake: Lake;
  readonly rooms: Rooms;
  readonly #parts: Parts;
  readonly #ledger: KeptLedger;
  readonly #open = new Map<string, Promise<ServedRelease>>();
  #engine: Promise<ReadEngine> | undefined;
  #current: ServedRelease | undefined;
  #stamp: string | undefined;
  #renewed_ms = Date.now();
  #refreshing: Promise<void> | undefined;

  /** @param store the load from whose destination tables are answered; absent: from the lake. */
  static async open(rooms: Rooms, project: Project, store?: string): Promise<Serving> {
    const [lake, leases] = await Promise.all([rooms.openLake(project), rooms.openLeases(project)]);
    const there = store === undefined ? {} : { store: await ServedStore.open(rooms, project, store) };
    const serving = new Serving({ rooms, project, lake, leases, ...there });
    try {
      await Promise.all([serving.refresh(), serving.#reader()]);
      return serving;
    } catch (error) {
      await serving.close();
      throw error;
    }
  }

  private constructor(parts: Parts) {
    const { rooms, project, lake } = parts;
    this.#parts = parts;
    this.rooms = rooms;
    this.#ledger = new KeptLedger(join(rooms.stateFolder(project), 'ledger.db'), () =>
      ledgerForReading(rooms, project, lake),
    );
    this.project = parts.project;
    this.lake = parts.lake;
    this.spec = parts.project.serve ?? SERVE_SPEC;
  }

  /** The newest release; undefined before the first run that succeeded. */
  get current(): ReleaseRecord | undefined {
    return this.#current?.record;
  }

  /** What the ledger looked like when it was read last: another one as soon as anything was written. */
  get stamp(): string | undefined {
    return this.#stamp;
  }

  /** Whether a table has endpoints of its own. */
  lists(key: string): boolean {
    return this.spec.tables.some((pattern) => matchesGlob(pattern, key));
  }

  /** Whether a table of a release has endpoints where tables are answered from. */
  offers(key: string, release: ReleaseRecord): boolean {
    const { store } = this.#parts;
    return this.lists(key) && (store === undefined || store.offers(key, release));
  }

  /** Where tables are answered from, for people; undefined: from the lake. */
  get place(): string | undefined {
    return this.#parts.store?.place;
  }

  /** Looks whether there is a newer release. Those who read go on with theirs. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#look().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The newest release, or the one that a word means: an id, the beginning of one, or a time. @throws DataflowError E_NO_RELEASE, E_SERVE_GONE */
  async use(as_of?: string): Promise<InUse> {
    if ((await this.#engine)?.lost === true) await this.#forget();
    const current = this.#current;
    const release =
      as_of === undefined && current !== undefined ? current : await this.#older(await this.#recordOf(as_of));
    return lakeInUse(this.project, release);
  }

  /**
   * The same for questions about tables alone: where they are answered from a destination, the release that it holds at this moment.
   * @param signal stops what is under way there.
   * @throws DataflowError E_SERVE_STORE, and E_SERVE_GONE for a release that it does not hold.
   */
  async useTables(as_of: string | undefined, signal: AbortSignal): Promise<InUse> {
    const { store } = this.#parts;
    if (store === undefined) return this.use(as_of);
    if ((await this.#engine)?.lost === true) await this.#forget();
    const wanted = as_of === undefined ? undefined : await this.#recordOf(as_of);
    const view = await asked(() => store.view(signal));
    try {
      const record = await this.#heldRecord(store, view);
      if (record === undefined) throw new DataflowError('E_SERVE_STORE', 'the destination holds no whole release');
      if (wanted !== undefined && wanted.release_id !== record.release_id)
        throw new DataflowError('E_SERVE_GONE', `the destination holds release ${record.release_id} and no other`);
      return storeInUse(store, await this.#older(record), view);
    } catch (error) {
      await view.close();
      throw error;
    }
  }

  /** Asks the ledger, which stays open from one question to the next. */
  ask<T>(work: (ledger: Ledger) => T): Promise<T> {
    return this.#ledger.ask(work);
  }

  async close(): Promise<void> {
    // A look that is under way may open a release: its lease goes with the others.
    await this.#refreshing?.catch(() => undefined);
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#current = undefined;
    for (const one of open) await (await one.catch(() => undefined))?.end();
    await (await this.#engine?.catch(() => undefined))?.close();
    await this.#parts.store?.close();
    this.#ledger.close();
  }

  async #look(): Promise<void> {
    await this.#tidy();
    const stamp = await this.#ledgerStamp();
    const { store } = this.#parts;
    if (store === undefined && stamp === this.#stamp && this.#current !== undefined) return;
    const record = await (store === undefined ? this.ask((ledger) => ledger.latestRelease()) : this.#heldNow(store));
    if (record !== undefined && record.release_id !== this.#current?.record.release_id)
      this.#current = await this.#older(record);
    this.#stamp = stamp;
  }

  /** The release that the destination holds; undefined while it holds none as a whole. */
  async #heldNow(store: ServedStore): Promise<ReleaseRecord | undefined> {
    const view = await store.view(AbortSignal.timeout(LOOK_MS));
    try {
      return await this.#heldRecord(store, view);
    } finally {
      await view.close();
    }
  }

  async #heldRecord(store: ServedStore, { held }: StoreView): Promise<ReleaseRecord | undefined> {
    const newest = held
      .map((one) => one.release_id)
      .sort()
      .at(-1);
    if (newest === undefined) return undefined;
    const current = this.#current?.record;
    const record =
      current?.release_id === newest
        ? current
        : await this.ask((ledger) => ledger.releases(ALL).find((one) => one.release_id === newest));
    return record !== undefined && store.holds(record, held) ? record : undefined;
  }

  /** Closes what nobody asked for lately, and renews the leases of the rest. */
  async #tidy(): Promise<void> {
    const now_ms = Date.now();
    const renew = now_ms - this.#renewed_ms > RENEW_MS;
    if (renew) this.#renewed_ms = now_ms;
    const older: ServedRelease[] = [];
    for (const opening of [...this.#open.values()]) {
      const release = await opening.catch(() => undefined);
      if (release === undefined) continue;
      if (renew) await release.renew();
      if (release !== this.#current && !release.busy) older.push(release);
    }
    older.sort((a, b) => b.used_ms - a.used_ms);
    for (const [place, release] of older.entries()) {
      if (place < OLDER_MAX && now_ms - release.used_ms < IDLE_MS) continue;
      this.#open.delete(release.record.release_id);
      await release.retire();
    }
  }

  /** What the ledger's files look like: unchanged as long as nothing was written. */
  async #ledgerStamp(): Promise<string> {
    const file = join(this.#parts.rooms.stateFolder(this.project), 'ledger.db');
    const stats = await Promise.all([file, `${file}-wal`].map((path) => stat(path).catch(() => undefined)));
    return stats.map((one) => (one === undefined ? '-' : `${one.ino}/${one.size}/${one.mtimeMs}`)).join(' ');
  }

  #recordOf(as_of: string | undefined): Promise<ReleaseRecord> {
    return this.ask((ledger) => {
      if (as_of === undefined) return findRelease(ledger, 'current');
      const time_ms = /^\d{4}-\d\d-\d\d/.test(as_of) ? Date.parse(as_of) : Number.NaN;
      if (Number.isNaN(time_ms)) return findRelease(ledger, as_of);
      const found = ledger.releases(ALL).find((one) => Date.parse(one.created_at) <= time_ms);
      if (found === undefined) throw new DataflowError('E_NO_RELEASE', `there was no release yet at ${as_of}`);
      return found;
    });
  }

  /** A release, opened when nobody has yet. */
  #older(record: ReleaseRecord): Promise<ServedRelease> {
    const known = this.#open.get(record.release_id);
    if (known !== undefined) return known;
    const opening = this.#openRelease(record);
    this.#open.set(record.release_id, opening);
    opening.catch(() => this.#open.delete(record.release_id));
    return opening;
  }

  async #openRelease(record: ReleaseRecord): Promise<ServedRelease> {
    const { lake, leases } = this.#parts;
    // Before any version is looked up: from here on nothing is collected that is read below.
    const lease = await leases.open('serve');
    try {
      await lease.pin(record.tables);
      const anew = await this.ask((ledger) => releasedMadeAnew(ledger, record));
      const tables = await (await this.#reader()).openTables();
      return new ServedRelease({ record, tables, lake, lease, anew });
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  #reader(): Promise<ReadEngine> {
    this.#engine ??= this.#parts.rooms.openReadEngine(this.project, this.spec.limits.memory_bytes);
    return this.#engine;
  }

  /** After the engine was lost: everything is opened anew. */
  async #forget(): Promise<void> {
    this.#engine = undefined;
    const old = this.#current;
    this.#open.clear();
    this.#current = undefined;
    this.#stamp = undefined;
    if (old !== undefined) void old.retire().catch(() => undefined);
    await this.refresh();
  }
}
