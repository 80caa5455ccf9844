import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, expectError, filesBelow, newPlace, type Place } from '../support/fault-project.ts';

/** Cases 16, 18 and 19: signals, odd surroundings, and a step that fails in the middle. */
const BINARY = resolve('bin/dataflow.js');
const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

const T = `sources:\n  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, v: varchar } }\n`;

function placeOf(config: string): Place {
  const place = newPlace(config);
  places.push(place);
  place.put({ 'in/a.csv': 'id,v\n1,10\n2,x\n' });
  return place;
}

describe('signals', () => {
  const slow = (range: string): string =>
    `${T}gold:\n  quick: { sql: "select count(*) as n from bronze.t" }\n  slow: { sql: "select count(*) as n from bronze.t a, range(${range}) r where (r.range * 7 + a.id) % 3 = 0" }\n`;

  async function interrupted(signals: readonly NodeJS.Signals[]) {
    const place = placeOf(slow('2000000000000'));
    const { child, ended } = place.start(['run']);
    while (!existsSync(join(place.folder, 'lake/gold/quick/_delta_log/00000000000000000000.json'))) await sleep(20);
    await sleep(200);
    const sent_ms = Date.now();
    for (const signal of signals) {
      child.kill(signal);
      await sleep(30);
    }
    return { place, outcome: await ended, took_ms: Date.now() - sent_ms };
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'case 16: %s ends a run within 5 s with %i; the next run does only what is left',
    async (signal, status) => {
      const { place, outcome, took_ms } = await interrupted([signal]);
      expect(outcome.status, outcome.stderr).toBe(status);
      expect(outcome.stderr).toMatch(/error\[E_INTERRUPTED\].*\n(.*\n)* {2}next: /);
      expect(took_ms).toBeLessThan(5000);
      place.put({ 'pipelines.yaml': `version: 1\nname: fault\nlake: { url: ./lake }\n${slow('30')}` });
      const again = place.dataflow(['run', '--format', 'json']);
      expectDone(again);
      const { steps } = JSON.parse(again.stdout) as { steps: { step: string; status: string }[] };
      expect(steps.find((step) => step.step === 'gold.quick')?.status).toBe('up_to_date');
      expect(place.query('select n from gold.slow')).toEqual([{ n: 20 }]);
      expect(filesBelow(join(place.folder, 'lake/_dataflow/staging'), '')).toEqual([]);
    },
  );

  it('case 16: a second signal ends it at once, and the next run finishes', async () => {
    const { place, outcome, took_ms } = await interrupted(['SIGINT', 'SIGINT']);
    expect(outcome.status).toBe(130);
    expect(took_ms).toBeLessThan(4000);
    place.put({ 'pipelines.yaml': `version: 1\nname: fault\nlake: { url: ./lake }\n${slow('30')}` });
    expectDone(place.dataflow(['run']));
    expect(place.query('select n from gold.slow')).toEqual([{ n: 20 }]);
  });
});

describe('surroundings', () => {
  const config = `${T}gold:\n  d: { sql: "select id, v, date '2025-03-30' as day, timestamptz '2025-03-30 01:30:00+00' as moment from bronze.t" }\n`;

  it.each([
    ['TERM=dumb', { TERM: 'dumb' }],
    ['HOME unset', { HOME: undefined }],
    ['HOME that is not there', { HOME: '/nonexistent/home' }],
    ['an odd time zone', { TZ: 'Pacific/Chatham' }],
    ['a time zone that does not exist', { TZ: 'Nowhere/Land' }],
    ['LANG=C', { LANG: 'C', LC_ALL: 'C' }],
    ['nothing but a path', { LANG: undefined, HOME: undefined, TERM: undefined, USER: undefined, TMPDIR: undefined }],
  ])('case 18: %s changes nothing', (_, env) => {
    const place = placeOf(config);
    expectDone(place.dataflow(['run'], env));
    const shown = place.dataflow(
      [
        'query',
        '--format',
        'json',
        'select id, v, day::varchar as day, (epoch(moment))::bigint as s from gold.d order by id',
      ],
      env,
    );
    expect(JSON.parse(shown.stdout)).toEqual([
      { id: 1, v: '10', day: '2025-03-30', s: 1_743_298_200 },
      { id: 2, v: 'x', day: '2025-03-30', s: 1_743_298_200 },
    ]);
    expect(place.dataflow(['run'], env).stdout).not.toContain('\u001b');
  });

  it('case 18: a home that nothing can be written to, whoever asks', () => {
    const place = placeOf(config);
    const env = { HOME: join(place.folder, 'pipelines.yaml'), XDG_CACHE_HOME: undefined };
    expectDone(place.dataflow(['run'], env));
    expect(place.dataflow(['run'], env).stdout).toMatch(/nothing to do/);
  });

  it.each([
    ['a long answer', `query --format csv "select range as r from range(2000000)" | head -1`, /^r\n$/],
    ['a run', 'run | head -1', /^step/],
    ['help', 'run --help | head -1', /dataflow/],
    ['the status', 'status | head -1', /\w/],
  ])('case 18: a reader that leaves early is no error: %s', (_, command, expected) => {
    const place = placeOf(config);
    expectDone(place.dataflow(['run', 'bronze']));
    const shell = spawnSync(
      'bash',
      ['-c', `set -o pipefail; "${process.execPath}" "${BINARY}" ${command}; echo "\${PIPESTATUS[0]}" >&2`],
      {
        cwd: place.folder,
        encoding: 'utf8',
        timeout: 20_000,
      },
    );
    expect(shell.stdout).toMatch(expected);
    expect(shell.stderr.trim().split('\n').at(-1)).toBe('0');
    expect(shell.stderr).not.toMatch(/EPIPE|error\[/);
  });

  it('case 18: stdout and stderr that are closed from the start', async () => {
    const place = placeOf(config);
    const child = spawn('bash', ['-c', `exec "${process.execPath}" "${BINARY}" run >&- 2>&-`], { cwd: place.folder });
    const status = await new Promise((done) => child.on('close', done));
    expect([0, 1]).toContain(status);
    expectDone(place.dataflow(['run']));
    expect(place.query('select count(*) as n from gold.d')).toEqual([{ n: 2 }]);
  });

  it.skipIf(!existsSync('/dev/full'))('case 18: an answer that cannot be written is an error', () => {
    const place = placeOf(config);
    expectDone(place.dataflow(['run']));
    const shell = spawnSync(
      'bash',
      ['-c', `"${process.execPath}" "${BINARY}" query "select * from gold.d" > /dev/full`],
      {
        cwd: place.folder,
        encoding: 'utf8',
      },
    );
    expectError({ ...shell, status: shell.status }, 'E_OUTPUT', 1);
  });
});

describe('a step that fails', () => {
  const models = (bad: string): string => `${T}silver:
  t: { from: t, key: id }
gold:
  good: { sql: "select count(*) as n from silver.t" }
  bad: { sql: "select id, ${bad} as v from silver.t" }
  child: { sql: "select sum(v) as total from gold.bad" }
  grandchild: { sql: "select total * 2 as twice from gold.child" }
`;

  it('case 19: its dependants are skipped and listed, the others finish, exit 4; once mended only those run', () => {
    const place = placeOf(models('cast(v as bigint)'));
    const failed = place.dataflow(['run']);
    expectError(failed, 'E_SQL', 4);
    expect(failed.stderr).toMatch(/gold\.bad.*x/);
    const status = place.status();
    const states = Object.fromEntries([...status].map(([step, { status: state }]) => [step, state]));
    expect(states).toEqual({
      'bronze.t': 'succeeded',
      'silver.t': 'succeeded',
      'gold.good': 'succeeded',
      'gold.bad': 'failed',
      'gold.child': 'skipped',
      'gold.grandchild': 'skipped',
    });
    expect(status.get('gold.child')?.reason).toContain('gold.bad');
    expect(failed.stdout).toMatch(/gold\.grandchild: skipped because gold\.child/);
    expect(place.query('select n from gold.good')).toEqual([{ n: 2 }]);
    expectError(place.dataflow(['query', 'select * from gold.bad']), 'E_LAKE_NO_TABLE', 2);

    place.put({
      'pipelines.yaml': `version: 1\nname: fault\nlake: { url: ./lake }\n${models('coalesce(try_cast(v as bigint), 0)')}`,
    });
    const mended = place.dataflow(['run', '--format', 'json']);
    expectDone(mended);
    const { steps } = JSON.parse(mended.stdout) as { steps: { step: string; status: string }[] };
    const ran = steps.filter((step) => step.status === 'succeeded').map((step) => step.step);
    expect(ran.sort()).toEqual(['gold.bad', 'gold.child', 'gold.grandchild']);
    expect(place.query('select twice::bigint as twice from gold.grandchild')).toEqual([{ twice: 20 }]);
  });
});
