import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';
import { isAlive, type ProcessMark, stopProcesses } from './processes.ts';
import type { Settings } from './server.ts';

/** A server that `npm run services up` started and that outlives it. */
export interface KeptServer {
  readonly name: string;
  readonly title: string;
  readonly folder: string;
  readonly settings: Settings;
  readonly started_in_ms: number;
  readonly processes: readonly ProcessMark[];
}

/** Each checkout has its own servers. */
function stateFile(): string {
  const checkout = createHash('sha256').update(process.cwd()).digest('hex').slice(0, 12);
  return join(cacheFolder(), 'services', `up-${checkout}.json`);
}

export function readKept(): readonly KeptServer[] {
  try {
    return JSON.parse(readFileSync(stateFile(), 'utf8')) as readonly KeptServer[];
  } catch {
    return [];
  }
}

export function writeKept(kept: readonly KeptServer[]): void {
  const file = stateFile();
  if (kept.length === 0) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(kept, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Whether all its processes run. */
export function runs(kept: KeptServer): boolean {
  return kept.processes.every(isAlive);
}

/** Ends what is left of it and removes its data. */
export async function stopKept(kept: KeptServer): Promise<void> {
  await stopProcesses(kept.processes);
  rmSync(kept.folder, { recursive: true, force: true });
}
