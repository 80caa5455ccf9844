import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, RunRecord } from '../core/ports/ledger.ts';
import { Connection } from './connection.ts';
import { APPLICATION_ID, MIGRATIONS, migrate } from './migrate.ts';
import { openLedger } from './open-ledger.ts';
import { loadSqlite } from './sqlite.ts';

let root = '';
let folder = '';
let file = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dataflow-'));
  folder = join(root, 'lake', '_dataflow');
  file = join(folder, 'ledger.db');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const RUN: RunRecord = {
  run_id: 'r1',
  command: 'dataflow run',
  started_at: '2026-11-21T06:30:00.000Z',
  status: 'succeeded',
  pid: 1,
  host: 'h',
  dataflow_version: '0.1.0',
};

async function withLedger<T>(
  use: (ledger: Ledger) => T,
  options: Partial<Parameters<typeof openLedger>[0]> = {},
): Promise<T> {
  const ledger = await openLedger({ folder, ...options });
  try {
    return use(ledger);
  } finally {
    ledger.close();
  }
}

async function raw<T>(use: (connection: Connection) => T, path = file): Promise<T> {
  const open = loadSqlite();
  const connection = new Connection(open(path, { readOnly: false }), path);
  try {
    return use(connection);
  } finally {
    connection.close();
  }
}

const refusal = (code: string, hint?: string): unknown =>
  expect.objectContaining({ code, ...(hint === undefined ? {} : { hint: expect.stringContaining(hint) }) });

describe('a new ledger', () => {
  it('is private, durable and marked as ours', async () => {
    await withLedger((ledger) => ledger.startRun(RUN));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, 'lake')).mode & 0o077).not.toBe(0);
    const found = await raw((db) => [
      db.get('pragma application_id'),
      db.get('pragma user_version'),
      db.get('pragma journal_mode'),
    ]);
    expect(found).toEqual([
      { application_id: APPLICATION_ID },
      { user_version: MIGRATIONS.length },
      { journal_mode: 'wal' },
    ]);
  });

  it('keeps its log private too, and tightens what somebody loosened', async () => {
    await withLedger(() => {});
    chmodSync(file, 0o644);
    chmodSync(folder, 0o755);
    await withLedger((ledger) => {
      ledger.startRun(RUN);
      for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777, name).toBe(0o600);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
    });
  });

  it('is made once when two make it at the same time', async () => {
    const both = await Promise.all([openLedger({ folder }), openLedger({ folder })]);
    both[0]?.startRun(RUN);
    expect(both[1]?.run('r1')).toEqual(RUN);
    for (const ledger of both) ledger.close();
  });
});

describe('case 13: formats', () => {
  it('brings an older format up to date in one transaction, each migration once', async () => {
    await withLedger((ledger) => ledger.startRun(RUN));
    const next = {
      version: MIGRATIONS.length + 1,
      sql: 'create table extra (a integer) strict; insert into extra values (7)',
    };
    await raw((db) => {
      migrate(db, [...MIGRATIONS, next]);
      migrate(db, [...MIGRATIONS, next]);
      expect(db.all('select a from extra')).toEqual([{ a: 7 }]);
      expect(db.get('pragma user_version')).toEqual({ user_version: next.version });
      expect(db.get('select run_id from runs')).toEqual({ run_id: 'r1' });
    });
  });

  it('leaves everything as it was when a migration fails', async () => {
    await withLedger(() => {});
    const broken = {
      version: MIGRATIONS.length + 1,
      sql: 'create table extra (a integer) strict; insert into nowhere values (7)',
    };
    await raw((db) => {
      expect(() => migrate(db, [...MIGRATIONS, broken])).toThrow();
      expect(db.get('pragma user_version')).toEqual({ user_version: MIGRATIONS.length });
      expect(db.all("select name from sqlite_master where name = 'extra'")).toEqual([]);
    });
  });

  it.each([false, true])('refuses a newer format and does not touch it (read_only %s)', async (read_only) => {
    await withLedger((ledger) => ledger.startRun(RUN));
    await raw((db) => db.exec('pragma user_version = 99'));
    const before = readFileSync(file);
    await expect(openLedger({ folder, read_only })).rejects.toThrowError(refusal('E_LEDGER_NEWER', 'Upgrade'));
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('a reader does not migrate', async () => {
    await withLedger(() => {});
    await raw((db) => db.exec('pragma user_version = 0'));
    await expect(openLedger({ folder, read_only: true })).rejects.toThrowError(
      refusal('E_LEDGER_READ_ONLY', 'dataflow run'),
    );
  });
});

describe('case 12: a ledger that cannot be trusted', () => {
  const damages: readonly [string, (path: string) => void | Promise<void>][] = [
    ['empty', (path) => truncateSync(path, 0)],
    ['cut in the header', (path) => truncateSync(path, 50)],
    ['cut after a page', (path) => truncateSync(path, 4096)],
    ['cut in the last page', (path) => truncateSync(path, statSync(path).size - 1)],
    ['zeroed', (path) => writeFileSync(path, Buffer.alloc(statSync(path).size))],
    [
      'all random bytes',
      (path) => writeFileSync(path, Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7919 + 13) % 251))),
    ],
    ['text', (path) => writeFileSync(path, 'not a database at all\n'.repeat(100))],
    ['of another program', (path) => raw((db) => db.exec('pragma application_id = 1'), path)],
    ['without a table', (path) => raw((db) => db.exec('drop table steps'), path)],
    [
      'zeroed but for its first page',
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0, 4096);
        writeFileSync(path, bytes);
      },
    ],
  ];

  it.each(damages)('%s: refused, whoever opens it, and left as it is', async (_, damage) => {
    await withLedger((ledger) => ledger.startRun(RUN));
    await damage(file);
    const before = readFileSync(file);
    for (const options of [{}, { create: false }, { read_only: true }]) {
      await expect(openLedger({ folder, ...options })).rejects.toThrowError(
        refusal('E_LEDGER_CORRUPT', 'dataflow ledger rebuild'),
      );
    }
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it.each([{ create: false }, { read_only: true }])('deleted: refused, never started empty (%j)', async (options) => {
    await withLedger((ledger) => ledger.startRun(RUN));
    rmSync(file);
    await expect(openLedger({ folder, ...options })).rejects.toThrowError(
      refusal('E_LEDGER_MISSING', 'dataflow ledger rebuild'),
    );
    expect(existsSync(file)).toBe(false);
  });

  it('deleted beside its log: the log is not replayed into a new one', async () => {
    const ledger = await openLedger({ folder });
    ledger.startRun(RUN);
    copyFileSync(`${file}-wal`, join(root, 'wal'));
    ledger.close();
    rmSync(file);
    copyFileSync(join(root, 'wal'), `${file}-wal`);
    await expect(openLedger({ folder })).rejects.toThrowError(refusal('E_LEDGER_MISSING'));
  });

  it('random bytes anywhere: either an error of the catalogue or an answer, never another exception', {
    timeout: 60_000,
  }, async () => {
    await withLedger((ledger) => {
      ledger.startRun(RUN);
      for (let i = 0; i < 200; i++)
        ledger.finishStep({
          step: {
            run_id: 'r1',
            step_id: `s${i}`,
            step: 'silver.x',
            status: 'succeeded',
            reason: '',
            inputs: { a: i },
            tests: [],
            started_at: '',
          },
        });
    });
    const good = readFileSync(file);
    const damage = fc.record({
      at: fc.nat({ max: good.length - 1 }),
      bytes: fc.uint8Array({ minLength: 64, maxLength: 600 }),
    });
    let detected = 0;
    let tries = 0;
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, bytes }) => {
        const bad = Buffer.from(good);
        bad.set(bytes.subarray(0, good.length - at), at);
        const place = join(root, `try${tries++}`);
        mkdirSync(place);
        writeFileSync(join(place, 'ledger.db'), bad);
        try {
          const use = (ledger: Ledger): void => {
            ledger.lock('x', 'test').release();
            ledger.latestSteps();
            ledger.steps('r1');
          };
          await withLedger(use, { folder: place });
        } catch (error) {
          expect(error).toEqual(expect.objectContaining({ code: expect.stringMatching(/^E_LEDGER_(CORRUPT|NEWER)$/) }));
          detected += 1;
        }
      }),
      { numRuns: 100 },
    );
    expect(detected).toBeGreaterThan(25);
  });
});

describe('reading only', () => {
  it('sees what a writer commits, and cannot write', async () => {
    const writer = await openLedger({ folder });
    const reader = await openLedger({ folder, read_only: true });
    writer.startRun(RUN);
    expect(reader.run('r1')).toEqual(RUN);
    expect(() => reader.startRun({ ...RUN, run_id: 'r2' })).toThrowError(refusal('E_LEDGER_READ_ONLY'));
    reader.close();
    writer.close();
  });

  it('reports a writer that keeps the lock for too long as busy', { timeout: 20_000 }, async () => {
    const ledger = await openLedger({ folder });
    await raw((db) => {
      db.exec('begin immediate');
      expect(() => ledger.startRun(RUN)).toThrowError(refusal('E_LEDGER_BUSY'));
      db.exec('rollback');
    });
    ledger.startRun(RUN);
    ledger.close();
  });

  it.for([
    ['after a clean end', false],
    ['with a log that a killed writer left', true],
  ] as const)('works on a read-only file system %s', async ([, log], { skip }) => {
    const writer = await openLedger({ folder });
    writer.startRun(RUN);
    const readOnly = join(root, 'mounted');
    mkdirSync(readOnly);
    if (log) for (const suffix of ['', '-wal']) copyFileSync(file + suffix, join(readOnly, `ledger.db${suffix}`));
    writer.close();
    if (!log) copyFileSync(file, join(readOnly, 'ledger.db'));
    if (!mountReadOnly(readOnly)) skip('needs the right to mount');
    try {
      await withLedger(
        (ledger) => {
          expect(ledger.run('r1')).toEqual(RUN);
          expect(() => ledger.startRun({ ...RUN, run_id: 'r2' })).toThrowError(refusal('E_LEDGER_READ_ONLY'));
        },
        { folder: readOnly, read_only: true },
      );
      await expect(
        withLedger((ledger) => ledger.startRun({ ...RUN, run_id: 'r2' }), { folder: readOnly }),
      ).rejects.toThrowError(refusal('E_LEDGER_READ_ONLY'));
    } finally {
      unmount(readOnly);
    }
  });
});

/** A real read-only mount of the folder onto itself; needs the right to mount. */
function mountReadOnly(path: string): boolean {
  return shell('mount --bind "$0" "$0" && { mount -o remount,bind,ro "$0" || { umount "$0"; false; }; }', path);
}

/** Lazily: the addon still has the file open. */
function unmount(path: string): void {
  shell('umount -l "$0"', path);
}

function shell(script: string, path: string): boolean {
  return spawnSync('/bin/sh', ['-c', script, path]).status === 0;
}
