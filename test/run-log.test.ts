import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace, type Outcome, type Place } from './support/fault-project.ts';

/** What runs say on standard error as a log for programs, by the built program. */
const CONFIG = `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar } } }
silver: { s: { from: a, rules: [ { not_null: [w] } ], key: id, tests: [ { sql: "select * from this where id > 2", name: few, severity: warn } ] } }
gold: { g: { sql: "select error(w || '\${WORD}') as x from silver.s" } }
alerts: [ { when: run_recovered, command: ["true"], headers: { x: "\${WORD}" } } ]
`;

interface Line {
  readonly level: string;
  readonly time: string;
  readonly run_id: string | null;
  readonly command: string;
  readonly msg: string;
  readonly event?: string;
  readonly step?: string;
  readonly code?: string;
  readonly next?: string;
  readonly rows_in?: number;
  readonly exit_code?: number;
}

const logOf = ({ stderr }: Outcome): readonly Line[] =>
  stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('the log of a run', () => {
  let place: Place;
  const does = async (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
    place.start(args, { WORD: 'not-to-be-shown', ...env }).ended;
  beforeAll(() => {
    place = newPlace(CONFIG);
    place.put({ 'in/a.csv': 'id,w\n1,x\n2,y\n3,z\n' });
  });
  afterAll(() => place.remove());

  it('is JSON with the run on each line, secrets masked, what failed with its code', async () => {
    const run = await does(['run', '--log-format', 'json']);
    expect(run.status).toBe(4);
    expect(run.stdout).toContain('silver.s');
    const log = logOf(run);
    const [first] = log;
    expect(first).toMatchObject({ level: 'info', event: 'run_started', command: 'run', steps: 3 });
    for (const line of log) {
      expect(line.run_id).toBe(first?.run_id);
      expect(Date.parse(line.time)).toBeGreaterThan(0);
    }
    expect(log.find(({ step, event }) => step === 'silver.s' && event === 'step_finished')).toMatchObject({
      level: 'info',
      status: 'succeeded',
      rows_in: 3,
    });
    expect(log.find(({ level }) => level === 'warn')?.msg).toMatch(/^silver\.s: few: /);
    expect(log.find(({ level }) => level === 'error')).toMatchObject({
      code: expect.stringMatching(/^E_/),
      msg: expect.stringContaining('gold.g'),
    });
    expect(log.at(-1)).toMatchObject({ event: 'run_finished', status: 'partial', exit_code: 4 });
    expect(run.stderr).not.toContain('not-to-be-shown');
  });

  it('is asked for by a variable, and has the lines of its level', async () => {
    const env = { DATAFLOW_LOG_FORMAT: 'json' };
    const errors = logOf(await does(['retry', '--log-level', 'error'], env));
    expect(errors.map(({ level, command }) => [level, command])).toEqual([['error', 'retry']]);
    expect((await does(['run', '--log-level', 'silent'], env)).stderr).toBe('');
    const human = await does(['run', '--log-level', 'error', '--log-format', 'human'], env);
    expect(human.stderr).toMatch(/^error\[E_\w+\] gold\.g: .*\n/);
  });

  it('says that there is nothing to do', async () => {
    const env = { DATAFLOW_LOG_FORMAT: 'json' };
    await does(['ingest'], env);
    expect((await does(['ingest'], env)).stderr).toMatch(
      /"run_id":null,"command":"ingest",.*"msg":"nothing to do"\}\n$/,
    );
  });

  it('has what a command failed of, and is refused in words when it is none', async () => {
    const [line, ...more] = logOf(await does(['load', 'nowhere', '--log-format', 'json']));
    expect([line?.level, line?.command, typeof line?.next, more]).toEqual(['error', 'load run', 'string', []]);
    const wrong = await does(['sync', '--log-format', 'xml']);
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('--log-format: xml is none of human, json'),
    ]);
    expect((await does(['run'], { DATAFLOW_LOG_FORMAT: 'xml' })).stderr).toContain(
      'DATAFLOW_LOG_FORMAT: xml is none of',
    );
  });
});
