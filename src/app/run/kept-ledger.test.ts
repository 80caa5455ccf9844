import { readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, RunRecord } from '../../core/ports/ledger.ts';
import { openLedger } from '../../ledger/open-ledger.ts';
import { KeptLedger } from './kept-ledger.ts';

let folder = '';
let kept: KeptLedger;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataflow-'));
  kept = new KeptLedger(join(folder, 'ledger.db'), () => openLedger({ folder, read_only: true, create: false }));
});
afterEach(() => {
  kept.close();
  return rm(folder, { recursive: true, force: true });
});

const run = (run_id: string): RunRecord => ({
  run_id,
  command: 'dataflow run',
  started_at: '2026-11-21T06:30:00.000Z',
  status: 'succeeded',
  pid: 1,
  host: 'h',
  dataflow_version: '0.1.0',
});
const read = (): Promise<readonly string[]> => kept.ask((ledger) => idsIn(ledger));
const idsIn = (ledger: Ledger): readonly string[] => ledger.runs(100).map(({ run_id }) => run_id);

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

  it('opens it once for those who ask at the same time', async () => {
    await another('.', 'old');
    expect(await Promise.all([read(), read(), read()])).toEqual([['old'], ['old'], ['old']]);
    const before = openFiles();
    await Promise.all([read(), read(), read()]);
    expect(openFiles()).toBe(before);
  });

  it('sees one that comes, and one that takes the place of another', async () => {
    await expect(read()).rejects.toMatchObject({ code: 'E_LEDGER_MISSING' });
    await another('.', 'old');
    expect(await read()).toEqual(['old']);
    renameSync(await another('one', 'new'), join(folder, 'ledger.db'));
    for (const end of ['-wal', '-shm']) rmSync(join(folder, `ledger.db${end}`), { force: true });
    expect(await read()).toEqual(['new']);
  });

  it('a refusal is no reason to refuse the next one', async () => {
    await another('.', 'old');
    const write = kept.ask((ledger) => ledger.startRun(run('x')));
    await expect(write).rejects.toMatchObject({ code: 'E_LEDGER_READ_ONLY' });
    expect(await read()).toEqual(['old']);
  });
});
