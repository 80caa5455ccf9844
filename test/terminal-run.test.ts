import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf } from './support/event-lines.ts';
import { openTmux, type Tmux, withoutTmux } from './support/tmux.ts';

const BINARY = resolve('bin/dataflow.js');
const missing = withoutTmux();
if (missing !== undefined) console.log(`runs on a terminal are not looked at here: ${missing}`);

const PAGE = 100;
const row = (id: number) => ({ id, text: 'x'.repeat(1_000) });

/** An API whose first page comes at once, and the others when they are let go. */
let server: Server;
const held: ServerResponse[] = [];
let holds = true;
const release = (): void => {
  holds = false;
  for (const response of held.splice(0)) response.destroyed || response.end(JSON.stringify([]));
};

let folder: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    const page = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page'));
    response.setHeader('content-type', 'application/json');
    if (page === 1) response.end(JSON.stringify(Array.from({ length: PAGE }, (_, i) => row(i))));
    else if (holds) held.push(response);
    else response.end('[]');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  folder = mkdtempSync(join(tmpdir(), 'dataflow-run-'));
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    join(folder, 'pipelines.yaml'),
    `name: slow
sources:
  items:
    type: http
    url: http://127.0.0.1:${port}/items
    pages: { style: page, size: ${PAGE} }
    columns: { id: bigint, text: varchar }
    retry: { attempts: 1 }
  broken: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { n: bigint } }
silver:
  items:
    from: items
    key: [id]
    rules: [{ expr: "id >= 10", name: big_enough }]
connections:
  box: { type: sqlite, path: ./box.db }
loads:
  box: { connection: box, tables: [silver.items] }
`,
  );
});
afterAll(() => {
  release();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Beside the server of this process: it is to go on answering. */
async function dataflow(...args: readonly string[]) {
  const child = spawn(process.execPath, [BINARY, ...args], { cwd: folder });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (part) => (text[stream] += part));
  const status = await new Promise<number | null>((done) => child.on('close', done));
  return { ...text, status };
}

interface Line {
  readonly event: string;
  readonly step?: string;
  readonly status?: string;
  readonly [member: string]: unknown;
}

/** Lines of `--format ndjson`. */
function linesOf(stdout: string): readonly Line[] {
  const lines = eventsOf(stdout, 'run-events.schema.json') as readonly Line[];
  expect(lines.at(-1)?.event).toBe('run_finished');
  return lines;
}

describe.skipIf(missing !== undefined)('a run that is looked at', () => {
  let terminal: Tmux;
  let view: Tmux;
  beforeAll(() => {
    terminal = openTmux('run', { cwd: folder, columns: 80, rows: 24 });
    view = openTmux('run-view', { cwd: folder, columns: 80, rows: 24 });
  });
  afterAll(() => {
    terminal.close();
    view.close();
  });

  it('shows what it is at, in its own terminal and in the view of another, and leaves nothing of it', async () => {
    view.keys(`node ${BINARY} ui`, 'Enter');
    await view.shows(/no run yet[\s\S]*silver\.items +new/);
    terminal.keys(`clear; node ${BINARY} run --select +silver.items; echo ended with $?`, 'Enter');
    await terminal.shows(/^\[░+\] +0% 0 of 2 steps, 00:\d\d\n {2}bronze\.items 00:\d\d · pulling · 10\d KB/m);
    expect(terminal.state().cursor_hidden).toBe(true);
    terminal.resize(50, 24);
    await terminal.shows(/^\[░{20}\] +0% 0 of 2 steps/m);
    terminal.resize(80, 24);
    await view.shows(/─ at work ─+\nbronze\.items 00:\d\d, pulling, 10\d KB/);
    expect(view.screen()).toMatch(/silver\.items +waits/);
    release();
    const after = await terminal.shows(/^ended with 0$/m);
    expect(after).toMatch(/silver\.items +ok +full +100 +90 +10 /);
    expect(after).not.toMatch(/[░█]|pulling/);
    expect(terminal.state().cursor_hidden).toBe(false);
    await view.shows(/succeeded in [\s\S]*silver\.items +ok +0 +100 +90 +10/);
    expect(view.screen()).not.toContain('at work');
  });

  it('is cancelled from the view: nothing is half-published, and the view says so', async () => {
    holds = true;
    terminal.keys(`clear; node ${BINARY} run --select +silver.items; echo ended with $?`, 'Enter');
    await view.shows(/─ at work ─+\nbronze\.items 00:\d\d, pulling/);
    view.keys('c');
    await view.shows(/kill -INT|Ctrl-C|SIGINT/);
    view.keys('y');
    expect(await terminal.shows(/^ended with 130$/m)).toContain('E_INTERRUPTED');
    await view.shows(/run \w+ interrupted in [\s\S]*bronze\.items +\S+ +0 +100 +100/);
    const { stdout } = await dataflow('query', 'select count(*)::int as n from silver.items', '--format', 'json');
    expect(JSON.parse(stdout)).toEqual([{ n: 90 }]);
    expect((await dataflow('verify')).status).toBe(0);
  });

  it('is retried from the view, and rejected rows are replayed', async () => {
    release();
    view.keys('r');
    expect(await view.shows(/start this\?/)).toContain('dataflow retry');
    view.keys('y');
    await view.shows(/dataflow retry \w+: ended with 0/);
    await view.shows(/run \w+ succeeded in /);
    view.keys('G', 'p');
    expect(await view.shows(/start this\?/)).toContain('dataflow quarantine replay silver.items');
    view.keys('y');
    await view.shows(/dataflow quarantine replay silver\.items: ended with 4/);
    view.keys('3');
    await view.shows(/quarantine replay silver\.i/);
  });

  it('a destination is behind, current, behind again', async () => {
    view.keys('5');
    await view.shows(/load +box +empty/);
    expect(await dataflow('load', 'box')).toMatchObject({ status: 0 });
    await view.shows(/load +box +current +\w{20} /);
    view.keys('q');
  });
});

describe('a run as events', () => {
  it('each line fits the published schema, and the last one sums up', async () => {
    holds = false;
    const { stdout, status } = await dataflow(
      'run',
      '--full-refresh',
      '--force',
      '--select',
      '+silver.items',
      '--format',
      'ndjson',
    );
    const lines = linesOf(stdout);
    expect(status).toBe(0);
    const names = lines.map(({ event, step }) => [event, step].filter((one) => one !== undefined).join(' '));
    expect(names.filter((name) => !/^(step_progress|estimate)/.test(name))).toEqual([
      'run_started',
      'step_started bronze.items',
      'step_finished bronze.items',
      'step_started silver.items',
      'step_finished silver.items',
      'run_finished',
    ]);
    expect(lines.find((one) => one.event === 'step_finished' && one.step === 'silver.items')).toMatchObject({
      ...{ status: 'succeeded', mode: 'full', rows_in: 100, rows_out: 90, quarantined: 10, error: null },
    });
    expect(lines.at(-1)).toMatchObject({ status: 'succeeded', exit_code: 0, published: 2, failed: 0, error: null });
  });

  it('nothing to do, a failure and a wrong selection end with the same event', async () => {
    const idle = await dataflow('run', '--select', 'silver.items', '--format', 'ndjson');
    expect(linesOf(idle.stdout).at(-1)).toMatchObject({
      status: 'nothing_to_do',
      exit_code: 0,
      run_id: null,
      up_to_date: 1,
    });
    const nothing = await dataflow('retry', '--format', 'ndjson');
    expect(linesOf(nothing.stdout)).toMatchObject([{ event: 'run_finished', status: 'nothing_to_do' }]);
    const wrong = await dataflow('run', '--select', 'silver.itms', '--format', 'ndjson');
    expect(linesOf(wrong.stdout).at(-1)).toMatchObject({
      status: 'failed',
      exit_code: 2,
      error: { code: 'E_SELECTION' },
    });
    server.close();
    server.closeAllConnections();
    const gone = await dataflow('ingest', 'items', '--format', 'ndjson');
    const lines = linesOf(gone.stdout);
    expect(lines.find((one) => one.event === 'step_finished')).toMatchObject({
      ...{
        step: 'bronze.items',
        status: 'failed',
        error: { code: expect.stringMatching(/^E_/), next: expect.any(String) },
      },
    });
    expect(lines.at(-1)).toMatchObject({ failed: 1, exit_code: gone.status, status: 'failed' });
  });

  it('without a terminal nothing is drawn', () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [BINARY, 'run', '--full-refresh', '--select', 'silver.items'],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(stdout + stderr).not.toContain('\u001b');
    expect(stderr).not.toContain('steps, 00:');
  });
});
