import {
  chmodSync,
  copyFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { clock } from '../src/app/care/doctor/state.ts';
import type { Lake } from '../src/core/ports/lake.ts';
import { expectError, newPlace, type Outcome, type Place } from './support/fault-project.ts';

const CONFIG = `sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } }
silver:
  a: { from: a, key: id }
`;

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly remedy: string | null;
}

describe('doctor', () => {
  let place: Place;
  afterEach(() => place.remove());

  const opened = (config = CONFIG): Place => {
    place = newPlace(config);
    place.put({ 'in/1.csv': 'id\n1\n2\n' });
    return place;
  };
  const findings = (outcome: Outcome): readonly Finding[] =>
    (JSON.parse(outcome.stdout) as { findings: readonly Finding[] }).findings;
  const finding = (outcome: Outcome, check: string): Finding | undefined =>
    findings(outcome).find((one) => one.check === check && one.status !== 'ok');
  const tree = (): readonly string[] =>
    readdirSync(place.folder, { recursive: true, encoding: 'utf8' })
      // A reader of the ledger touches these beside it.
      .filter((name) => !/-(wal|shm)$/.test(name))
      .sort()
      .map((name) => {
        const { size, mtimeMs } = statSync(join(place.folder, name));
        return `${name} ${size} ${mtimeMs}`;
      });

  it('finds all well after a run, and before the first one, and changes nothing', () => {
    opened();
    const before = place.dataflow(['doctor']);
    expect(before).toMatchObject({ status: 0, stderr: '' });
    place.dataflow(['run']);
    const files = tree();
    place.put({ 'tmp/keep': '' });
    const after = place.dataflow(['doctor'], { TMPDIR: join(place.folder, 'tmp') });
    expect(readdirSync(join(place.folder, 'tmp'))).toEqual(['keep']);
    rmSync(join(place.folder, 'tmp'), { recursive: true });
    expect(after).toMatchObject({ status: 0, stderr: '' });
    expect(after.stdout).toContain('all is well');
    expect(after.stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
    expect(tree()).toEqual(files);
  });

  it('reports every problem of the configuration with its place', () => {
    opened(CONFIG.replace('key: id', 'key: idd').replace('type: files', 'type: fils'));
    const outcome = place.dataflow(['doctor', '--json']);
    expect(outcome.status).toBe(1);
    expect(finding(outcome, 'configuration')?.message).toMatch(/pipelines\.yaml:\d+:\d+/);
  });

  it('a lake that can lie nowhere is a finding, and ends a run with E_LAKE_IO at once', () => {
    const url = (to: string): string =>
      `version: 1\nname: fault\nlake: { url: ${to} }\nengine: { type: duckdb, threads: 2, memory_limit: 512MB }\n${CONFIG}`;
    opened();
    symlinkSync('/nowhere/lake', join(place.folder, 'unmounted'));
    place.put({ file: 'x' });
    for (const [to, words] of [
      ['/proc/lake', 'holds no files'],
      ['./unmounted', 'a link to something that is not there'],
      ['./file', 'is not a folder'],
      ['./file/lake', 'is not a folder'],
    ] as const) {
      place.put({ 'pipelines.yaml': url(to) });
      expectError(place.dataflow(['run']), 'E_LAKE_IO', 5);
      const outcome = place.dataflow(['doctor', '--json']);
      expect(outcome.status).toBe(1);
      expect(finding(outcome, 'lake folder')).toMatchObject({
        status: 'fail',
        message: expect.stringContaining(words),
      });
      expect(outcome.stdout).not.toContain('E_INTERNAL');
    }
  });

  it('a table that is referred to and not there is a finding like any other of the configuration', () => {
    opened(`${CONFIG}gold:\n  g: select * from silver.b\n`);
    const outcome = place.dataflow(['doctor', '--json']);
    expect(outcome.status).toBe(1);
    expect(finding(outcome, 'configuration')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('silver.b'),
    });
  });

  it('names data files that no version of a table has, with what to do', () => {
    opened();
    place.dataflow(['run']);
    const folder = join(place.folder, 'lake/silver/a');
    const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.parquet'));
    copyFileSync(join(folder, file), join(folder, 'part-orphan.parquet'));
    const outcome = place.dataflow(['doctor', '--json']);
    expect(finding(outcome, 'left-over files')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('no version of silver.a names silver/a/part-orphan.parquet'),
    });
  });

  it('asks the system of a stream too, and one that a source needs and that refuses keeps a run from working', () => {
    const connection = 'connections: { k: { type: kafka, brokers: ["127.0.0.1:1"], patience_ms: 500 } }\n';
    opened(`${connection}${CONFIG}streams: { out: { from: silver.a, connection: k, topic: t } }\n`);
    const streams = place.dataflow(['doctor', '--json']);
    expect(finding(streams, 'stream out')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('127.0.0.1:1'),
    });
    expect(streams.status).toBe(0);
    opened(`${connection}sources: { a: { type: kafka, connection: k, topic: t } }\n`);
    const sources = place.dataflow(['doctor', '--json']);
    expect(finding(sources, 'source a')).toMatchObject({ status: 'fail' });
    expect(sources.status).toBe(1);
  });

  it('names a damaged ledger, and one that is gone, with the way back', () => {
    opened();
    place.dataflow(['run']);
    const ledger = join(place.folder, 'lake/_dataflow/ledger.db');
    truncateSync(ledger, 5_000);
    const damaged = place.dataflow(['doctor', '--json']);
    expect(damaged.status).toBe(1);
    expect(finding(damaged, 'ledger')?.remedy).toContain('ledger rebuild');
    rmSync(ledger);
    for (const end of ['-wal', '-shm']) rmSync(ledger + end, { force: true });
    const gone = place.dataflow(['doctor', '--json']);
    expect(gone.status).toBe(1);
    expect(finding(gone, 'ledger')).toMatchObject({ status: 'fail', message: expect.stringContaining('gone') });
  });

  it('tells of a run that died, what it left, and that the next run mends it', () => {
    opened();
    place.dataflow(['run'], { DATAFLOW_FAULT: 'after-table-commit:kill' });
    const outcome = place.dataflow(['doctor', '--format', 'json']);
    expect(outcome.status).toBe(0);
    expect(finding(outcome, 'locks')?.message).toContain('died');
    expect(finding(outcome, 'runs')?.message).toContain('died');
    expect(finding(outcome, 'ledger')?.message).toContain('bronze.a version 0 is published');
    expect(finding(outcome, 'left-over files')).toBeDefined();
    place.dataflow(['run']);
    expect(place.dataflow(['doctor']).stdout).toContain('all is well');
  });

  it('sees state that others can read, sources without files, and files that are no files', () => {
    opened();
    place.dataflow(['run']);
    chmodSync(join(place.folder, 'lake/_dataflow/ledger.db'), 0o644);
    rmSync(join(place.folder, 'in'), { recursive: true });
    const outcome = place.dataflow(['doctor', '--json']);
    expect(outcome.status).toBe(0);
    expect(finding(outcome, 'private state')?.remedy).toMatch(/^chmod go-rwx .*ledger\.db$/);
    expect(finding(outcome, 'source a')).toMatchObject({ status: 'warn' });
    place.put({ 'in/1.csv/x': '' });
    writeFileSync(join(place.folder, 'in/2.xyz'), '');
    expect(finding(place.dataflow(['doctor', '--json']), 'source a')?.message).toContain('no file matches');
  });

  it('warns of limits that the machine does not have', () => {
    opened(CONFIG);
    place.put({ 'pipelines.yaml': `version: 1\nname: fault\nengine: { type: duckdb, memory_limit: 90TB }\n${CONFIG}` });
    expect(finding(place.dataflow(['doctor', '--json']), 'resources')?.message).toContain('90TB');
  });
});

describe('the clock', () => {
  const table = { layer: 'silver', name: 'a' } as const;
  const lake = {
    tables: async () => [table],
    snapshot: async () => ({ committed_at_ms: Date.UTC(2026, 1, 2) }),
  } as unknown as Lake;

  it('is behind what was published', async () => {
    const [found] = await clock(lake, undefined, Date.UTC(2026, 1, 1));
    expect(found).toMatchObject({ status: 'warn', message: expect.stringContaining('silver.a was published') });
    expect((await clock(lake, undefined, Date.UTC(2026, 1, 3)))[0]?.status).toBe('ok');
  });
});
