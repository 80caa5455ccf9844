import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The built program from outside: what a shell, cron or CI sees. */
const BINARY = resolve('bin/dataflow.js');
const VERSION = (JSON.parse(spawnSync('cat', ['package.json'], { encoding: 'utf8' }).stdout) as { version: string })
  .version;

let empty: string;
beforeAll(() => {
  empty = mkdtempSync(join(tmpdir(), 'dataflow-cli-'));
});
afterAll(() => rmSync(empty, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function dataflow(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BINARY, ...args], {
    cwd: empty,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function shell(line: string): Outcome {
  const script = `dataflow() { "$NODE" "$BINARY" "$@"; }; ${line}`;
  const env = { ...process.env, NODE: process.execPath, BINARY };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: empty, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('help and version', () => {
  it.each([['--version'], ['-V']])('%s prints the version alone', (flag) => {
    expect(dataflow([flag])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([[[]], [['--help']], [['-h']], [['help']]])('%j lists the commands', (args) => {
    const { status, stdout, stderr } = dataflow(args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: dataflow <command>/);
    for (const verb of ['run', 'plan', 'status', 'query', 'completion'])
      expect(stdout).toMatch(new RegExp(`^ {2}${verb}\\b`, 'm'));
  });

  it('gives the same help by all three ways', () => {
    const { stdout } = dataflow(['help', 'run']);
    expect(stdout).toMatch(/^Usage: dataflow run/);
    expect(dataflow(['run', '--help']).stdout).toBe(stdout);
    expect(dataflow(['run', '--no-color', '--help']).stdout).toBe(stdout);
  });

  it('knows subcommands', () => {
    expect(dataflow(['ledger', 'rebuild', '--help']).stdout).toMatch(/^Usage: dataflow ledger rebuild/);
    expect(dataflow(['help', 'ledger', 'rebuild']).stdout).toMatch(/^Usage: dataflow ledger rebuild/);
  });

  it('stays within 80 columns', () => {
    for (const line of dataflow(['--help']).stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('of every command: within 80 columns but for examples, own flags before those of all commands', () => {
    const folder = resolve('dist/help');
    for (const words of readdirSync(folder)) {
      const text = readFileSync(join(folder, words), 'utf8');
      const [described = ''] = text.split('Examples:');
      const long = described.split('\n').filter((line) => line.length > 80);
      expect({ words, long }).toEqual({ words, long: [] });
      expect({ words, late: /\nGlobal options:[\s\S]*\nOptions:/.test(text) }).toEqual({ words, late: false });
    }
  });
});

describe('wrong use', () => {
  it.each([
    [['statsu'], /unknown command 'statsu'\n {2}next: .*status/],
    [['help', 'statsu'], /unknown command 'statsu'\n {2}next: Did you mean status/],
    [['status', '--formt', 'json'], /unknown option '--formt'\n {2}next: .*--format/],
    [['status', '--format', 'xml'], /Allowed choices are table, json, ndjson, csv/],
    [['--bogus'], /unknown option '--bogus'/],
    [['ledger'], /dataflow ledger needs a command: .*rebuild/],
    [['completion', 'pwsh'], /bash, zsh, fish/],
    [['status', 'a', 'b', 'c'], /too many arguments/],
  ])('%j exits 2, says what is meant, prints nothing on stdout', (args, message) => {
    const { status, stdout, stderr } = dataflow(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error\[E_USAGE\] /);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  });

  it('a missing configuration exits 2 with the next step', () => {
    const { status, stderr } = dataflow(['status']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/error\[E_CONFIG_NOT_FOUND\].*\n {2}next: .*dataflow init/);
  });

  it('errors are one JSON document with --format json', () => {
    for (const flags of [['--format', 'json'], ['--format=json']]) {
      const { stdout, stderr } = dataflow(['status', ...flags]);
      expect(stdout).toBe('');
      expect(JSON.parse(stderr)).toMatchObject({ errors: [{ code: 'E_CONFIG_NOT_FOUND', line: null }] });
    }
  });

  it('a hostile file name cannot move the cursor', () => {
    const { stderr } = dataflow(['status', '--config', 'a\u001b[2Jb']);
    expect(stderr).toContain('a\\u001b[2Jb');
    expect(stderr).not.toContain('\u001b');
  });
});

describe('case 18: odd terminals and environments', () => {
  it.each([
    ['help | head', 'set -o pipefail; dataflow --help | head -n 1'],
    ['a live text | head', 'set -o pipefail; dataflow completion bash | head -n 1'],
    ['a reader that never reads', 'set -o pipefail; dataflow completion zsh | true'],
    ['stdout closed', 'dataflow --help >&-'],
    ['stdout closed, live', 'dataflow completion bash >&-'],
    ['all closed', 'dataflow completion bash <&- >&- 2>&-'],
  ])('%s ends quietly', (_, line) => {
    const { status, stderr } = shell(line);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('a full disk behind stdout is an error, not silence', () => {
    const { status, stderr } = shell('dataflow completion bash > /dev/full');
    expect(status).toBe(1);
    expect(stderr).toMatch(/ENOSPC/);
  });

  it.each([
    ['TERM=dumb', { TERM: 'dumb' }],
    ['HOME unset', { HOME: undefined }],
    ['LANG=C', { LANG: 'C', LC_ALL: 'C' }],
    ['an odd TZ', { TZ: 'Nowhere/Nothing' }],
    ['a HOME that is not there', { HOME: '/nonexistent/home', XDG_CACHE_HOME: undefined }],
  ])('%s works', (_, changed) => {
    const env: NodeJS.ProcessEnv = { ...process.env, ...changed };
    for (const [name, value] of Object.entries(changed)) if (value === undefined) delete env[name];
    writeFileSync(join(empty, 'p.yaml'), 'version: 1\nsources: {}\n');
    expect(dataflow(['--help'], env).status).toBe(0);
    const { status, stdout, stderr } = dataflow(['status', '--config', 'p.yaml'], env);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/no run yet/);
  });

  it('colours only when asked for without a terminal', () => {
    const plain = dataflow(['statsu'], { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined });
    expect(plain.stderr).not.toContain('\u001b[');
    expect(dataflow(['statsu'], { ...process.env, FORCE_COLOR: '1', NO_COLOR: undefined }).stderr).toContain('\u001b[');
    expect(dataflow(['statsu'], { ...process.env, FORCE_COLOR: '1', NO_COLOR: '1' }).stderr).not.toContain('\u001b[');
  });
});

describe('case 16: signals', () => {
  const query = ['query', 'select count(*) from range(400000) a, range(400000) b', '--config', 'p.yaml'];

  function started(): ChildProcess {
    writeFileSync(join(empty, 'p.yaml'), 'version: 1\nsources: {}\n');
    return spawn(process.execPath, [BINARY, ...query], { cwd: empty, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('the first %s stops the command, which ends with %i', async (name, code) => {
    const child = started();
    setTimeout(() => child.kill(name), 1500);
    const ended = await new Promise<number | null>((done) => child.on('exit', done));
    expect(ended).toBe(code);
  });
});

describe('completion', () => {
  it('completes verbs, flags and fixed values in bash', () => {
    const complete = (words: string): string =>
      shell(
        `eval "$(dataflow completion bash)"; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _dataflow; echo "\${COMPREPLY[@]}"`,
      ).stdout.trim();
    expect(complete("dataflow 'stat'")).toBe('status');
    expect(complete("dataflow ledger 're'")).toBe('rebuild releases');
    expect(complete("dataflow --config run.yaml 'stat'")).toBe('status');
    expect(complete("dataflow run '--dry'")).toBe('--dry-run');
    expect(complete("dataflow status --format 'n'")).toBe('ndjson');
    expect(complete("dataflow completion 'z'")).toBe('zsh');
  });

  it.each(['zsh', 'fish'])('names every verb for %s', (name) => {
    const { status, stdout } = dataflow(['completion', name]);
    expect(status).toBe(0);
    for (const verb of ['run', 'status', 'quarantine']) expect(stdout).toMatch(new RegExp(`\\b${verb}\\b`));
  });
});
