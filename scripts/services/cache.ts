import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from './server.ts';

const LOCK_WAIT_MS = 30 * 60_000;

/** What is downloaded or built is kept here; CI keeps the folder from run to run. */
export function cacheFolder(): string {
  return process.env['DATAFLOW_CACHE'] ?? join(homedir(), '.cache', 'dataflow-ci');
}

/**
 * A folder of the cache, made by `make` unless it is there. It gets its name when it is complete, so that an interrupted download is never
 * taken for a server; of several processes that want it one makes it and the others wait.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const parent = join(cacheFolder(), 'services');
  const folder = join(parent, name);
  if (existsSync(folder)) return folder;
  mkdirSync(parent, { recursive: true });
  const unlock = await lock(`${folder}.lock`);
  const draft = `${folder}.draft`;
  try {
    if (existsSync(folder)) return folder;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft);
    await make(draft);
    renameSync(draft, folder);
    return folder;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw new Unavailable(error instanceof Error ? error.message : String(error));
  } finally {
    unlock();
  }
}

async function lock(path: string): Promise<() => void> {
  const end = Date.now() + LOCK_WAIT_MS;
  while (Date.now() < end) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch {
      if (!isHeld(path)) rmSync(path, { force: true });
      await sleep(250);
    }
  }
  throw new Unavailable(`another process has held ${path} for too long`);
}

/** Whether the process that made the lock lives. A lock without a number in it is being made right now. */
function isHeld(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
