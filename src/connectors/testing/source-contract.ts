import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { shareWork } from '../../../test/support/asker.ts';
import { SourceProject } from './source-project.ts';

/** A source that is asked, and all that the contract has to know of it. The system behind it must run. */
export interface SourceUnderTest {
  /** The entry under `sources:`. Several units a pull and several batches prove most: set `batch:` low. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly connections?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** SQL over columns of the bronze table: what identifies a record. */
  readonly key: string;
  /** Records that the system holds now; good ones and those that go to quarantine together. */
  records(): number | Promise<number>;
  /** Puts so many more records there. Absent: it cannot grow. */
  add?(records: number): Promise<void>;
  /** Extreme values of every type that the system has: a query over `bronze.s`, and its answer as `--format json` prints it. */
  readonly types?: { readonly sql: string; readonly expected: readonly Readonly<Record<string, unknown>>[] };
  /** Texts that must appear nowhere: neither printed nor in the lake or ledger. */
  readonly secrets?: readonly string[];
  /** The same source so that it fails (wrong password, nobody listens): its error names no secret. */
  readonly broken?: Pick<SourceUnderTest, 'source' | 'connections'>;
  /** A source with much to take, and the memory (peak, in bytes) that this may need. */
  readonly large?: { readonly source: Readonly<Record<string, unknown>>; readonly memory_bytes_max: number };
  close?(): Promise<void>;
}

/** Boundaries of a pulled step at which it is killed, where the source itself is asked to go on; each pass number counts from 1. */
const KILLS: readonly (readonly [string, number])[] = [
  ['landing-before-fsync', 1],
  ['landing-before-manifest', 2],
  ['landing-after-end', 1],
  ['after-table-commit', 1],
  ['landing-before-remove', 2],
];
/** Those in between, where all sources go the same way: killed there with `fake`, and with every source by DATAFLOW_SOAK=1. */
const KILLS_BETWEEN: typeof KILLS = [
  ['after-pull', 1],
  ['after-stage', 1],
  ['after-quarantine-commit', 1],
  ['before-log-create', 1],
  ['after-table-commit', 2],
  ['after-landing-removed', 1],
];

const SEALED_MAX = 3;

/** What the tests of one suite share. */
interface Suite {
  under(): SourceUnderTest;
  /** A fresh project, removed after the test. */
  project(parts?: Pick<SourceUnderTest, 'source' | 'connections'>): SourceProject;
}

/**
 * What every source that is asked promises: each record once, in the table or in quarantine, whatever happens on the way. `make` starts what the source
 * needs; the built program is run on projects of its own (`npm run build` first).
 */
export function sourceContract(name: string, make: () => Promise<SourceUnderTest>, timeout = 180_000): void {
  shareWork();
  describe(`${name} keeps the contract of sources`, { timeout }, () => {
    let under: SourceUnderTest | undefined;
    let projects: SourceProject[] = [];
    beforeAll(async () => {
      under = await make();
    }, timeout);
    afterEach(() => {
      for (const project of projects) project.remove();
      projects = [];
    });
    afterAll(async () => under?.close?.());
    const suite: Suite = {
      under: () => {
        if (under === undefined) throw new Error('the source was not made');
        return under;
      },
      project: (parts = suite.under()) => {
        const connections = parts.connections ?? suite.under().connections;
        const made = new SourceProject(
          { source: parts.source, ...(connections === undefined ? {} : { connections }) },
          suite.under().env,
        );
        projects.push(made);
        return made;
      },
    };
    takesEachRecordOnce(suite);
    survivesKills(
      suite,
      name === 'fake' || process.env['DATAFLOW_SOAK'] === '1' ? [...KILLS, ...KILLS_BETWEEN] : KILLS,
    );
    keepsValuesMemoryAndSecrets(suite);
  });
}

function takesEachRecordOnce({ under, project }: Suite): void {
  it('plan takes nothing; a run takes each record once; another one finds nothing new', async () => {
    const at = project();
    await at.ok(['plan']);
    expect(at.holds('')).toEqual([]);
    await at.ok(['run']);
    await expectWhole(at, under());
    const versions = await tableVersion(at);
    await at.ok(['run']);
    expect(await tableVersion(at)).toBe(versions);
  });

  it('goes on where it was: more records, a ledger made anew', async () => {
    const at = project();
    await at.ok(['run']);
    await at.ok(['ledger', 'rebuild']);
    await under().add?.(7);
    await at.ok(['run']);
    await expectWhole(at, under());
  });
}

function survivesKills({ under, project }: Suite, kills: typeof KILLS): void {
  it('killed after each sealed unit: what was sealed is used, each record is there once', async () => {
    for (let nth = 1; nth <= SEALED_MAX; nth++) {
      const at = project();
      const died = await at.run(['ingest'], { DATAFLOW_FAULT: `landing-after-seal:kill@${nth}` });
      if (died.signal === null) break;
      await at.ok(['ingest']);
      await expectWhole(at, under());
    }
  });

  it.each(kills)('killed at %s (pass %i): the next run finishes, each record is there once', async (point, nth) => {
    const at = project();
    await at.run(['ingest'], { DATAFLOW_FAULT: `${point}:kill@${nth}` });
    await at.ok(['ingest']);
    await expectWhole(at, under());
  });

  it('stops when it is told to, and goes on later', async () => {
    const at = project();
    const { child, ended } = at.start(['ingest']);
    // Earlier than that nobody listens to signals yet.
    for (let n = 0; n < 400 && child.exitCode === null && at.holds('').length === 0; n++) await sleep(25);
    child.kill('SIGTERM');
    const { status } = await ended;
    expect([0, 143]).toContain(status);
    await at.ok(['ingest']);
    await expectWhole(at, under());
  });
}

function keepsValuesMemoryAndSecrets({ under, project }: Suite): void {
  it('values keep their exact value', async ({ skip }) => {
    const { types } = under();
    if (types === undefined) return skip('no types are given');
    const at = project();
    await at.ok(['ingest']);
    expect(await at.query(types.sql)).toEqual(types.expected);
  });

  it('memory stays bounded', async ({ skip }) => {
    const { large } = under();
    if (large === undefined) return skip('no large source is given');
    const at = project({ source: large.source });
    // The peak of a process that did nothing else.
    expect(await at.start(['ingest']).ended).toMatchObject({ status: 0 });
    const { stdout } = await at.ok(['status', '--format', 'json']);
    const peak = Math.max(...[...stdout.matchAll(/"peak_memory_bytes":\s*(\d+)/g)].map((found) => Number(found[1])));
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(large.memory_bytes_max);
  });

  it('secrets appear nowhere', async ({ skip }) => {
    const { secrets = [], broken } = under();
    if (secrets.length === 0) return skip('it has no secrets');
    const at = project();
    const done = await at.ok(['run', '--verbose']);
    const failing = broken === undefined ? undefined : project(broken);
    const failed = await failing?.run(['ingest', '--verbose']);
    if (failed !== undefined) expect(failed.status).not.toBe(0);
    const doctor = await (failing ?? at).run(['doctor']);
    for (const secret of secrets) {
      for (const text of [done, failed, doctor]) expect(`${text?.stdout}${text?.stderr}`).not.toContain(secret);
      expect(at.holds(secret)).toEqual([]);
      expect(failing?.holds(secret) ?? []).toEqual([]);
    }
  });
}

async function tableVersion(at: SourceProject): Promise<unknown> {
  const { stdout } = await at.ok(['status', '--format', 'json']);
  return /"version":\s*(\d+)/.exec(stdout)?.[1] ?? stdout;
}

/** Each record once, in the table or in quarantine; spans and bytes proved by `verify`; nothing left in the way. */
async function expectWhole(at: SourceProject, under: SourceUnderTest): Promise<void> {
  const [[table], { stdout }, verified, records] = await Promise.all([
    at.query(
      `select cast(count(*) as varchar) as n, cast(count(distinct ${under.key}) as varchar) as keys from bronze.s`,
    ),
    at.ok(['quarantine', 'list', '--format', 'json']),
    at.ok(['verify']),
    under.records(),
  ]);
  const bad = [...stdout.matchAll(/"rows":\s*(\d+)/g)].reduce((sum, found) => sum + Number(found[1]), 0);
  expect(table?.['n']).toBe(table?.['keys']);
  expect(Number(table?.['n']) + bad).toBe(records);
  expect(`${verified.stdout}${verified.stderr}`).not.toContain('landed');
}
