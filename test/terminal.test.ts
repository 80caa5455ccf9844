import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTmux, type Tmux, withoutTmux } from './support/tmux.ts';

const BINARY = resolve('bin/dataflow.js');
const PAGE = 'docs/guide/terminal.md';
const missing = withoutTmux();
if (missing !== undefined) console.log(`the terminal view is not driven here: ${missing}`);

let folder: string;
let project: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-terminal-'));
  project = join(folder, 'retail-demo');
  expect(dataflow(folder, 'demo').status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dataflow = (cwd: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [BINARY, ...args], { cwd, encoding: 'utf8' });

/** Times, ids and processes are of their own each time. */
function steady(screen: string): readonly string[] {
  return screen
    .replaceAll(/\b01[0-9a-z]{18}\b/g, 'I'.repeat(20))
    .replaceAll(/\d\d:\d\d:\d\d/g, 'hh:mm:ss')
    .replaceAll(/\d\d-\d\d \d\d:\d\d/g, 'MM-DD hh:mm')
    .replaceAll(/in \d+\.\d s/g, 'in N s')
    .split('\n')
    .map((line) => line.trimEnd());
}

describe.skipIf(missing !== undefined)('the terminal view', () => {
  let terminal: Tmux;
  beforeAll(() => {
    terminal = openTmux('view', { cwd: project, columns: 80, rows: 24 });
  });
  afterAll(() => terminal.close());
  const start = (...words: readonly string[]): Promise<string> => {
    terminal.keys(`clear; node ${BINARY} ${words.join(' ')}; echo ended with $?`, 'Enter');
    return terminal.shows(/─ tables 1 of 14 ─/);
  };
  const ended = (code: number): Promise<string> => terminal.shows(new RegExp(`^ended with ${code}$`, 'm'));

  it('opens on the demo as the guide shows it', async () => {
    const shown = steady(await start('ui'));
    const page = readFileSync(PAGE, 'utf8');
    const [, captured = ''] = /```text\n([\s\S]*?)\n```/.exec(page) ?? [];
    const head = (lines: readonly string[]): readonly string[] => lines.slice(0, 19);
    expect(head(shown)).toEqual(head(steady(captured)));
  });

  it('moves, filters, opens a table and comes back', async () => {
    terminal.keys('/', 'silver');
    await terminal.shows(/only "silver"/);
    terminal.keys('Enter', 'j', 'Enter');
    expect(await terminal.shows(/because never built/)).toContain('- 7,892 out');
    expect(terminal.screen()).toContain('silver.achats: version 0 (full) in run');
    terminal.keys('NPage');
    await terminal.shows(/client_connu +189 +1/);
    await terminal.shows(/some of them:/);
    terminal.keys('NPage');
    await terminal.shows(/is not in silver\.clients\.id_client/);
    terminal.keys('G');
    await terminal.shows(/montant +decimal/);
    terminal.keys('Escape');
    await terminal.shows(/─ tables 2 of 2, only "silver"/);
    terminal.keys('Escape');
    await terminal.shows(/─ tables 4 of 14/);
  });

  it('sees a run that another shell has started', async () => {
    const run = spawn(process.execPath, [BINARY, 'run', '--full-refresh'], { cwd: project, stdio: 'ignore' });
    const gone = new Promise((done) => run.on('exit', done));
    await terminal.shows(new RegExp(`running .* of 14 steps  pid ${run.pid}`));
    await gone;
    await terminal.shows(/succeeded in .* dataflow run --ful/);
    expect(terminal.screen()).toMatch(/gold\.fact_ventes +ok +1 /);
  });

  it('follows the size of the terminal, down to 40 by 10', async () => {
    terminal.resize(40, 10);
    const small = await terminal.shows(/^1 tables {2}2 {2}3 {2}4 {2}5 {2}6\n─ tables 4 of 14 ─+\n/m);
    expect(small.split('\n')).toHaveLength(11);
    expect(small).toContain('? help');
    terminal.resize(150, 40);
    expect(await terminal.shows(/─ quarantine ─/)).toMatch(/─ runs ─/);
    terminal.resize(80, 24);
    const again = await terminal.shows(/^retail +release [\s\S]*─ log ─{74}\n[\s\S]*\? help/);
    expect(again.match(/^. {2}gold\.kpi_stats/gm)).toHaveLength(1);
  });

  it('starts what a person would type, after a yes', async () => {
    terminal.keys('p');
    expect(await terminal.shows(/start this\?/)).toContain('dataflow quarantine replay silver.achats');
    terminal.keys('n');
    await terminal.shows(/not done/);
    terminal.keys('p');
    await terminal.shows(/start this\?/);
    terminal.keys('y');
    await terminal.shows(/dataflow quarantine replay silver\.achats: ended with 4/);
    expect(terminal.screen()).toContain('320 were rejected again');
    terminal.keys('3');
    await terminal.shows(/succeeded .* quarantine replay silver\.a/);
  });

  it('leaves the terminal as it was: by q, by Ctrl-C, by SIGTERM', async () => {
    expect(terminal.state()).toEqual({ second_screen: true, cursor_hidden: true });
    const restored = async (code: number): Promise<void> => {
      const shown = await ended(code);
      expect(terminal.state()).toEqual({ second_screen: false, cursor_hidden: false });
      expect(shown).not.toContain('tables');
    };
    terminal.keys('q');
    await restored(0);
    await start('status', '--watch');
    terminal.keys('C-c');
    await restored(0);
    await start('ui');
    const [pid] = spawnSync('pgrep', ['-f', `^node ${BINARY} ui$`], { encoding: 'utf8' }).stdout.split('\n');
    process.kill(Number(pid), 'SIGTERM');
    await restored(143);
  });
});

describe('without a terminal', () => {
  it('prints what status prints', () => {
    for (const words of [['ui'], ['status', '--watch']]) {
      const { stdout, status } = dataflow(project, ...words);
      expect({ stdout, status }).toEqual({ stdout: dataflow(project, 'status').stdout, status: 0 });
    }
    expect(dataflow(project, 'ui', '--format', 'json').stdout).toContain('"tables"');
  });

  it('does not go with what narrows the answer', () => {
    const { stderr, status } = dataflow(project, 'status', 'last', '--watch');
    expect(status).toBe(2);
    expect(stderr).toContain('--watch does not go with a run');
  });

  it('is there as a script of its own, which no other command loads', () => {
    expect(existsSync('dist/terminal.js')).toBe(true);
    const probe = `process.on('exit', () => require('fs').writeSync(2, '\\n' + Object.keys(require.cache).join(' ')));
      process.argv = [process.argv[0], ${JSON.stringify(BINARY)}, 'status']; require(${JSON.stringify(BINARY)});`;
    const { stderr } = spawnSync(process.execPath, ['-e', probe], { cwd: project, encoding: 'utf8' });
    expect(stderr).toContain('bin/load.js');
    expect(stderr).not.toContain('terminal');
  });
});
