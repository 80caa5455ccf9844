import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helpTexts } from '../src/main.ts';

const BINARY = resolve('bin/dataflow.js');

/** Runs the start-up file and reports which modules were loaded on the way, ours and Node's. */
function modulesLoadedBy(args: readonly string[]): {
  readonly files: readonly string[];
  readonly builtin: readonly string[];
} {
  const probe = `
    const before = new Set(process.moduleLoadList);
    process.on('exit', () => {
      const builtin = process.moduleLoadList.filter((name) => !before.has(name) && name.startsWith('NativeModule '));
      require('fs').writeSync(2, '\\n' + JSON.stringify({ files: Object.keys(require.cache), builtin }));
    });
    process.argv = [process.argv[0], ${JSON.stringify(BINARY)}, ...${JSON.stringify(args)}];
    require(${JSON.stringify(BINARY)});`;
  const { stderr } = spawnSync(process.execPath, ['-e', probe], { encoding: 'utf8' });
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { files: string[]; builtin: string[] };
}

describe('what a start loads', () => {
  it.each([[['--help']], [['--version']], [[]], [['help', 'run']], [['run', '--help']]])(
    '%j loads the start-up file alone',
    (args) => {
      const { files, builtin } = modulesLoadedBy(args);
      expect(files.map((file) => file.replace(resolve('.'), ''))).toEqual(['/bin/dataflow.js']);
      // Nothing of Node beyond what it has loaded for itself: no streams, network, crypto or ES module loader.
      expect(builtin.filter((name) => /stream|net|tty|crypto|child_process|worker|esm\/loader/.test(name))).toEqual([]);
    },
  );

  it('a wrong command loads the bundle, but no package and no network stack', () => {
    const { files, builtin } = modulesLoadedBy(['statsu']);
    expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
    expect(
      builtin.filter((name) => /NativeModule (net|tls|http|child_process|worker_threads|crypto)$/.test(name)),
    ).toEqual([]);
  });
});

describe('help texts', () => {
  it('are what the program itself would print', async () => {
    const live = await helpTexts();
    const kept = readdirSync('dist/help').map((file) => [
      file.replace(/\.txt$/, ''),
      readFileSync(join('dist/help', file), 'utf8'),
    ]);
    expect(Object.fromEntries(kept)).toEqual(
      Object.fromEntries([...live].map(([name, text]) => [name || 'index', text])),
    );
  });
});

describe('time', () => {
  /** Processor time of one run in ms, from outside. Other work on the machine hardly changes it, unlike the time on the clock. */
  function cpuMs(args: readonly string[]): number {
    const env: NodeJS.ProcessEnv = { ...process.env, NODE: process.execPath };
    delete env['NODE_EXTRA_CA_CERTS']; // costs Node 20 some 45 ms a start
    const script = 'TIMEFORMAT="%U %S"; { time "$NODE" "$@" > /dev/null 2>&1; } 2>&1';
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', ...args], { env, encoding: 'utf8' });
    const [user = Number.NaN, system = Number.NaN] = stdout.trim().split(' ').map(Number);
    return (user + system) * 1000;
  }

  it('--help and --version take at most 1.2 times node -e 0', { timeout: 60_000, retry: 2 }, () => {
    const commands = { bare: ['-e', '0'], help: [BINARY, '--help'], version: [BINARY, '--version'] };
    // Whatever disturbs a start adds to it, so the least of many is what it takes.
    const least = { bare: Number.POSITIVE_INFINITY, help: Number.POSITIVE_INFINITY, version: Number.POSITIVE_INFINITY };
    for (let i = 0; i < 12; i++)
      for (const name of ['bare', 'help', 'version'] as const)
        least[name] = Math.min(least[name], cpuMs(commands[name]));
    expect(least.help / least.bare).toBeLessThanOrEqual(1.2);
    expect(least.version / least.bare).toBeLessThanOrEqual(1.2);
  });
});
