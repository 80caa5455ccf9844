import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LakeLock, LakeLockRequest } from '../../core/ports/lake-lock.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from '../../kit/process-identity.ts';

/** One file each time that the lock is taken; the highest number has it, and numbers only grow. */
const FOLDER = '_dataflow/lock';
const NAME = /^(\d{20})\.json$/;
const ATTEMPTS_MAX = 5;

export interface LockTimes {
  /** A holder on another machine that has said nothing for so long is taken for dead. */
  readonly silent_ms: number;
  readonly renew_ms: number;
}

const TIMES: LockTimes = { silent_ms: 120_000, renew_ms: 20_000 };

interface Stored {
  readonly state: 'held' | 'released';
  readonly holder: ProcessIdentity;
  readonly command: string;
  readonly state_folder: string;
  /** Something was begun that only the ledger in that folder can finish: nobody else may go on from here. */
  readonly owes: boolean;
  readonly since: string;
}

/**
 * Takes the lock of a lake. It rests on one act of the storage, the exclusive creation of a file, and no two clocks are compared: the age of a note is told
 * by the storage alone. The holder renews its note; one that could not do so for half the time that makes others take it for dead stops by itself
 * (fencing), before anybody takes over.
 * @throws DataflowError E_LOCKED while another process holds it; whatever the storage throws.
 */
export async function lockLake(storage: LakeStorage, request: LakeLockRequest, times = TIMES): Promise<LakeLock> {
  const { command, state_folder } = request;
  await storage.makeFolder(FOLDER, { private: true });
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const numbers = await numbersOf(storage);
    const newest = numbers.at(-1);
    if (newest !== undefined) await refuseHeld(storage, newest, state_folder, times);
    const number = (newest ?? -1) + 1;
    const began_ms = Date.now();
    const since = new Date().toISOString();
    const note: Stored = { state: 'held', holder: thisProcess(), command, state_folder, owes: request.owes(), since };
    if (await storage.createExclusive(pathOf(number), bytesOf(note))) {
      for (const old of numbers) await storage.remove(pathOf(old)).catch(() => undefined);
      return new HeldLock(storage, { number, note, began_ms, times, owes: () => request.owes() });
    }
    await sleep(Math.random() * 50 * attempt);
  }
  throw new DataflowError('E_LOCKED', 'the lake is locked by others again and again', { kept: 'nothing was changed' });
}

class HeldLock implements LakeLock {
  readonly #storage: LakeStorage;
  readonly #number: number;
  readonly #note: Stored;
  readonly #times: LockTimes;
  readonly #timer: NodeJS.Timeout;
  readonly #owes: () => boolean;
  /** By both clocks: one stands still while the machine sleeps, the other may be set. */
  #renewed: { readonly at_ms: number; readonly tick_ms: number };
  #lost: string | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(
    storage: LakeStorage,
    held: {
      readonly number: number;
      readonly note: Stored;
      readonly began_ms: number;
      readonly times: LockTimes;
      readonly owes: () => boolean;
    },
  ) {
    this.#owes = held.owes;
    this.#storage = storage;
    this.#number = held.number;
    this.#note = held.note;
    this.#times = held.times;
    this.#renewed = { at_ms: held.began_ms, tick_ms: performance.now() - (Date.now() - held.began_ms) };
    this.#timer = setInterval(() => {
      this.#renewing = this.#renewing.then(() => this.#renew()).catch(() => undefined);
    }, held.times.renew_ms);
    this.#timer.unref();
  }

  check(): void {
    const silent_ms = Math.max(Date.now() - this.#renewed.at_ms, performance.now() - this.#renewed.tick_ms);
    const why =
      this.#lost ??
      (silent_ms > this.#times.silent_ms / 2
        ? `the lake could not be reached for ${Math.round(silent_ms / 1000)} s, so another machine may take over`
        : undefined);
    if (why !== undefined)
      throw new DataflowError('E_LOCK_LOST', `the lock of the lake was lost: ${why}`, {
        kept: 'what was published stays; nothing more was published',
      });
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if (this.#lost !== undefined) return;
    // Whoever comes next would otherwise have to see that this process is gone; that is all that a failure costs.
    const note = bytesOf({ ...this.#note, state: 'released', owes: this.#owes() });
    await this.#storage.replace(pathOf(this.#number), note).catch(() => undefined);
  }

  async #renew(): Promise<void> {
    const renewed = { at_ms: Date.now(), tick_ms: performance.now() };
    const newest = (await numbersOf(this.#storage)).at(-1) ?? -1;
    if (newest > this.#number) this.#lost = 'another machine has taken it over';
    if (this.#lost !== undefined) return;
    await this.#storage.replace(pathOf(this.#number), bytesOf(this.#note));
    this.#renewed = renewed;
  }
}

async function refuseHeld(storage: LakeStorage, number: number, state_folder: string, times: LockTimes): Promise<void> {
  const content = await storage.read(pathOf(number));
  const stored = content === undefined ? undefined : parsed(content);
  if (stored?.state === 'released') return refuseOwed(stored, number, state_folder);
  const liveness = stored === undefined ? 'unknown' : livenessOf(stored.holder);
  const age_ms = liveness === 'alive' || liveness === 'dead' ? 0 : await ageOf(storage, number);
  if (liveness === 'dead' || age_ms === undefined || age_ms > times.silent_ms)
    return refuseOwed(stored, number, state_folder);
  const who =
    stored === undefined ? 'somebody' : `process ${stored.holder.pid} on ${stored.holder.host}: ${stored.command}`;
  const hint =
    liveness === 'alive'
      ? 'Wait for it to end, or stop that process.'
      : `Wait for it to end. A machine that says nothing for ${times.silent_ms / 1000} s is taken for dead; it last spoke ${Math.round(age_ms / 1000)} s ago.`;
  throw new DataflowError('E_LOCKED', `the lake is locked by ${who}`, { kept: 'nothing was changed', hint });
}

/** Half an undo is no state to go on from: the tables that it has put back do not fit the others. */
function refuseOwed(stored: Stored | undefined, number: number, state_folder: string): void {
  if (stored?.owes !== true) return;
  const { host } = stored.holder;
  if (host === thisProcess().host && stored.state_folder === state_folder) return;
  throw new DataflowError('E_LOCKED', `an undo was cut short on ${host} in ${stored.state_folder}`, {
    kept: 'nothing was changed',
    hint: `Only the ledger there can finish it: call \`dataflow run\` there. Where that ledger is gone, remove ${pathOf(number)} from the lake, then \`dataflow run --full-refresh --force\`.`,
  });
}

/** Since the note was written last, by the storage's own clock; undefined when it is gone. */
async function ageOf(storage: LakeStorage, number: number): Promise<number | undefined> {
  const clock = `${FOLDER}/clock-${randomUUID()}`;
  await storage.replace(clock, new Uint8Array([1]));
  const [now, then] = [await storage.info(clock), await storage.info(pathOf(number))];
  await storage.remove(clock).catch(() => undefined);
  return now === undefined || then === undefined ? undefined : now.modified_ms - then.modified_ms;
}

async function numbersOf(storage: LakeStorage): Promise<readonly number[]> {
  const names = await storage.list(FOLDER);
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function parsed(content: Uint8Array): Stored | undefined {
  try {
    const stored = JSON.parse(Buffer.from(content).toString()) as Stored;
    return typeof stored.holder?.pid === 'number' && typeof stored.holder.host === 'string' ? stored : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(note: Stored): Uint8Array {
  return Buffer.from(`${JSON.stringify(note)}\n`);
}

function pathOf(number: number): string {
  return `${FOLDER}/${String(number).padStart(20, '0')}.json`;
}
