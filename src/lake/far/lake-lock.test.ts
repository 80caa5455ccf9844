import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalStorage } from '../storage-local.ts';
import { lockLake } from './lake-lock.ts';

let folder: string;
let storage: LocalStorage;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-lock-'));
  storage = new LocalStorage(folder);
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});
const NEVER = { silent_ms: 60_000, renew_ms: 60_000 };
const asked = (command: string, owes = false, state_folder = '/a') => ({ command, state_folder, owes: () => owes });
const files = (): readonly string[] => readdirSync(join(folder, '_dataflow/lock')).sort();

/** Writes a holder over that of the newest note. */
function heldBy(holder: Readonly<Record<string, unknown>>): void {
  const [name = ''] = files().slice(-1);
  const path = join(folder, '_dataflow/lock', name);
  const note = JSON.parse(readFileSync(path, 'utf8')) as { holder: object };
  writeFileSync(path, JSON.stringify({ ...note, holder: { ...note.holder, ...holder } }));
}

describe('the lock of a lake that several machines reach', () => {
  it('is held by one at a time, and free again when it was released', async () => {
    const first = await lockLake(storage, asked('dataflow run'), NEVER);
    await expect(lockLake(storage, asked('dataflow undo'), NEVER)).rejects.toMatchObject({
      code: 'E_LOCKED',
      message: expect.stringContaining('dataflow run'),
    });
    first.check();
    await first.release();
    const second = await lockLake(storage, asked('dataflow undo'), NEVER);
    expect(files()).toHaveLength(1);
    second.check();
    await second.release();
  });

  it('goes to one of many who want it at once', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockLake(storage, asked('dataflow run'), NEVER)),
    );
    const got = all.filter((one) => one.status === 'fulfilled');
    expect(got).toHaveLength(1);
    for (const one of got) await one.value.release();
  });

  it('passes on from a process that is gone, and from a machine that says nothing any more', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const pid = child.pid ?? 0;
    await new Promise((done) => child.once('exit', done));
    await lockLake(storage, asked('dead'), NEVER);
    heldBy({ pid });
    const second = await lockLake(storage, asked('second'), NEVER);
    heldBy({ host: 'elsewhere' });
    await expect(lockLake(storage, asked('third'), NEVER)).rejects.toMatchObject({
      code: 'E_LOCKED',
      hint: expect.stringContaining('says nothing'),
    });
    // By the clock of the storage, which is the one of this disk.
    const then_s = Date.now() / 1000 - 120;
    for (const name of files()) utimesSync(join(folder, '_dataflow/lock', name), then_s, then_s);
    const third = await lockLake(storage, asked('third'), NEVER);
    third.check();
    await second.release();
    third.check();
    await third.release();
  });

  it('stays with the ledger that has begun an undo, until that is finished', async () => {
    const undo = await lockLake(storage, asked('dataflow undo', true), NEVER);
    await undo.release();
    const other = lockLake(storage, asked('dataflow run', false, '/b'), NEVER);
    await expect(other).rejects.toMatchObject({ code: 'E_LOCKED', message: expect.stringContaining('in /a') });
    let owes = true;
    const own = await lockLake(storage, { ...asked('dataflow run'), owes: () => owes }, NEVER);
    owes = false;
    await own.release();
    await (await lockLake(storage, asked('dataflow run', false, '/b'), NEVER)).release();
  });

  it('is lost to its holder when another one has it', async () => {
    const first = await lockLake(storage, asked('first'), { silent_ms: 60_000, renew_ms: 10 });
    const name = '00000000000000000001.json';
    writeFileSync(join(folder, '_dataflow/lock', name), '{}');
    await vi.waitFor(() => expect(() => first.check()).toThrow('another machine has taken it over'));
    await first.release();
    expect(files()).toContain(name);
  });

  it('is lost to a holder that could not renew it, before anybody takes over', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const held = await lockLake(storage, asked('first'), { silent_ms: 60_000, renew_ms: 60_000 });
    vi.setSystemTime(Date.now() + 29_000);
    held.check();
    vi.setSystemTime(Date.now() + 2_000);
    expect(() => held.check()).toThrow('could not be reached for 31 s');
  });
});
