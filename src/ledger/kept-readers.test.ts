import { copyFileSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, RunRecord } from '../core/ports/ledger.ts';
import { openLedger } from './open-ledger.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataflow-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (run_id: string): RunRecord => ({
  run_id,
  command: 'dataflow run',
  started_at: '2026-11-21T06:30:00.000Z',
  status: 'succeeded',
  pid: 1,
  host: 'h',
  dataflow_version: '0.1.0',
});
const idsIn = (ledger: Ledger): readonly string[] => ledger.runs(100).map(({ run_id }) => run_id);
const reader = (): Promise<Ledger> => openLedger({ folder, read_only: true, kept: true });

async function read(): Promise<readonly string[]> {
  const ledger = await reader();
  try {
    return idsIn(ledger);
  } finally {
    ledger.close();
  }
}

/** Writes a ledger with these runs into another folder; its path. */
async function another(name: string, ...ids: readonly string[]): Promise<string> {
  const ledger = await openLedger({ folder: join(folder, name) });
  for (const id of ids) ledger.startRun(run(id));
  ledger.close();
  return join(folder, name, 'ledger.db');
}

/** Files of the folder that this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}

describe.skipIf(process.platform !== 'linux')('a process that looks at the ledger again and again', () => {
  it('opens its files once, and sees what was written between', async () => {
    const writer = await openLedger({ folder });
    const seen: number[] = [];
    for (let i = 1; i <= 60; i += 1) {
      writer.startRun(run(`r${i}`));
      expect(await read()).toHaveLength(i);
      seen.push(openFiles());
    }
    expect(new Set(seen).size).toBe(1);
    writer.close();
  });

  it('opens as many as are in use at the same time', async () => {
    (await openLedger({ folder })).close();
    const many = async (): Promise<void> => {
      const readers = await Promise.all([reader(), reader(), reader()]);
      for (const one of readers) expect(idsIn(one)).toEqual([]);
      for (const one of readers) one.close();
    };
    await many();
    const before = openFiles();
    for (let i = 0; i < 10; i += 1) await many();
    expect(openFiles()).toBe(before);
  });

  it('sees a ledger that took the place of another, while it was closed and while it was open', async () => {
    await another('.', 'old');
    expect(await read()).toEqual(['old']);
    renameSync(await another('one', 'new'), join(folder, 'ledger.db'));
    for (const end of ['-wal', '-shm']) rmSync(join(folder, `ledger.db${end}`), { force: true });
    expect(await read()).toEqual(['new']);
    const open = await reader();
    expect(idsIn(open)).toEqual(['new']);
    renameSync(await another('two', 'newer'), join(folder, 'ledger.db'));
    open.close();
    expect(await read()).toEqual(['newer']);
  });

  it('sees one that was written over in its place', async () => {
    await another('.', 'old');
    const other = await another('one', 'new', 'more');
    expect(await read()).toEqual(['old']);
    copyFileSync(other, join(folder, 'ledger.db'));
    expect(await read()).toEqual(['more', 'new']);
  });

  it('a refusal is no reason to refuse the next one', async () => {
    await another('.', 'old');
    const open = await reader();
    expect(() => open.startRun(run('x'))).toThrowError(expect.objectContaining({ code: 'E_LEDGER_READ_ONLY' }));
    open.close();
    expect(await read()).toEqual(['old']);
  });
});
