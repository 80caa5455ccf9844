import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cached } from '../scripts/services/cache.ts';
import { isAlive, launchProcess, stopProcesses } from '../scripts/services/processes.ts';
import { startServer } from '../scripts/services/room.ts';
import { type Server, Unavailable } from '../scripts/services/server.ts';
import { SERVERS } from '../scripts/services/servers.ts';
import { service } from './services/service.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-harness-'));
  vi.stubEnv('DATAFLOW_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A server of one line: answers every request with what is in its folder. */
const ECHO = `require('node:http').createServer((q, r) => r.end(require('node:fs').readFileSync('data', 'utf8'))).listen(Number(process.argv[1]), '127.0.0.1')`;

const toy: Server = {
  name: 'toy',
  title: 'Toy',
  variables: ['DATAFLOW_TEST_TOY'],
  install: async () => folder,
  start: async (room) => {
    const port = await room.port('server');
    if (!existsSync(join(room.folder, 'data'))) writeFileSync(join(room.folder, 'data'), 'kept');
    room.launch({ name: 'toy', command: process.execPath, args: ['-e', ECHO, String(port)] });
    await room.ready(async () => (await fetch(`http://127.0.0.1:${port}`)).ok);
    return { DATAFLOW_TEST_TOY: `http://127.0.0.1:${port}` };
  },
};

async function until(true_now: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(true_now()).toBe(true), { timeout: 15_000, interval: 20 });
}

describe('a server', () => {
  it('starts, survives a kill with its data and port, and leaves nothing behind', async () => {
    const running = await startServer(toy);
    const url = running.settings['DATAFLOW_TEST_TOY'] ?? '';
    expect(await (await fetch(url)).text()).toBe('kept');
    await running.halt('SIGKILL');
    await expect(fetch(url)).rejects.toThrow();
    await running.resume();
    expect(await (await fetch(url)).text()).toBe('kept');
    const marks = running.processes();
    await running.stop();
    expect([marks.some(isAlive), existsSync(running.folder)]).toEqual([false, false]);
  });

  it('that ends at once is an error with what it said, and leaves nothing behind', async () => {
    const folders: string[] = [];
    const broken: Server = {
      ...toy,
      start: async (room) => {
        folders.push(room.folder);
        room.launch({ name: 'toy', command: 'sh', args: ['-c', 'echo no memory left; exit 1'] });
        await room.ready(async () => false);
        return {};
      },
    };
    await expect(startServer(broken)).rejects.toThrow('toy ended: no memory left');
    expect(folders.map((one) => existsSync(one))).toEqual([false, false]); // It was tried twice.
  });
});

describe('processes', () => {
  it('are told from later ones that have the same number', async () => {
    const mark = launchProcess({ name: 'sleep', command: 'sleep', args: ['100'] }, folder, join(folder, 'log'));
    await stopProcesses([{ ...mark, started: 'at another time' }]);
    expect(isAlive(mark)).toBe(true);
    await stopProcesses([mark]);
    expect(isAlive(mark)).toBe(false);
  });

  it('end with the process that holds them, however it ends, and their folders with them', async () => {
    const source = resolve('scripts/services/processes.ts');
    const bundle = join(folder, 'processes.mjs');
    await build({ entryPoints: [source], outfile: bundle, bundle: true, platform: 'node', format: 'esm' });
    const data = join(folder, 'data');
    mkdirSync(data);
    const owner = join(folder, 'owner.mjs');
    writeFileSync(
      owner,
      `import { launchProcess, makeLeash } from ${JSON.stringify(pathToFileURL(bundle).href)};
const leash = makeLeash();
const start = (seconds) => launchProcess({ name: 'sleep', command: 'sleep', args: [seconds] }, '.', 'log');
const [kept, released] = [start('1000'), start('1001')];
leash.hold(kept); leash.hold(released); leash.release(released);
leash.removeAtEnd(${JSON.stringify(data)});
console.log(JSON.stringify([kept, released]));
setInterval(() => {}, 1000);`,
    );
    const child = spawn(process.execPath, [owner], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((done) => child.stdout.once('data', (chunk) => done(String(chunk))));
    const [kept, released] = JSON.parse(line) as [Parameters<typeof isAlive>[0], Parameters<typeof isAlive>[0]];
    expect([isAlive(kept), isAlive(released), existsSync(data)]).toEqual([true, true, true]);
    child.kill('SIGKILL');
    await until(() => !isAlive(kept) && !existsSync(data));
    expect(isAlive(released)).toBe(true);
    await stopProcesses([released]);
  });
});

describe('the cache', () => {
  it('makes a folder once for all who want it', async () => {
    const make = vi.fn(async (draft: string) => writeFileSync(join(draft, 'program'), 'x'));
    const [one, two] = await Promise.all([cached('tool-1', make), cached('tool-1', make)]);
    expect(one).toBe(two);
    expect(readFileSync(join(one, 'program'), 'utf8')).toBe('x');
    expect(make).toHaveBeenCalledTimes(1);
  });

  it('keeps nothing of what failed half-way, nor the lock of a process that died', async () => {
    const services = join(folder, 'cache', 'services');
    mkdirSync(services, { recursive: true });
    writeFileSync(join(services, 'tool-1.lock'), '999999999');
    const failing = async (draft: string): Promise<void> => {
      writeFileSync(join(draft, 'program'), 'half');
      throw new Error('no network');
    };
    await expect(cached('tool-1', failing)).rejects.toThrow(new Unavailable('no network'));
    expect(readdirSync(services)).toEqual([]);
  });
});

describe('the list of servers', () => {
  it('names each by its key, and no variable twice', () => {
    for (const [key, server] of Object.entries(SERVERS)) expect(server.name).toBe(key);
    const variables = Object.values(SERVERS).flatMap((server) => [...server.variables]);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('gives a test the server of the environment, or the reason', () => {
    vi.stubEnv('DATAFLOW_TEST_MINIO', '');
    vi.stubEnv('DATAFLOW_TEST_REASONS', JSON.stringify({ minio: { reason: 'Go is not installed', failed: false } }));
    expect(service('minio')).toMatchObject({ available: false, reason: 'Go is not installed', url: '' });
    vi.stubEnv('DATAFLOW_TEST_MINIO', 'http://127.0.0.1:1');
    expect(service('minio')).toMatchObject({ available: true, url: 'http://127.0.0.1:1' });
  });
});
