import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { livenessOf, thisProcess } from '../../kit/process-identity.ts';

/** The process that made it is part of its name. */
const NAME = /^dataflow-out-(\d+)-/;

/** In a container that shares the folder every process of another one looks dead; a folder lives for milliseconds where there are pipes. */
const LEFT_AFTER_MS = 60_000;

let swept = false;

/** A folder of this process for a pipe. The first one removes what killed processes left. */
export function makePipeFolder(): string {
  if (!swept) sweepPipeFolders();
  swept = true;
  return mkdtempSync(join(tmpdir(), `dataflow-out-${process.pid}-`));
}

export function sweepPipeFolders(now_ms = Date.now()): void {
  const unknown = { boot_id: null, process_start: null, pid_namespace: null };
  for (const name of namesIn(tmpdir())) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || livenessOf({ ...unknown, host: thisProcess().host, pid: Number(pid) }) !== 'dead')
      continue;
    const folder = join(tmpdir(), name);
    try {
      if (now_ms - statSync(folder).mtimeMs > LEFT_AFTER_MS) rmSync(folder, { recursive: true, force: true });
    } catch {
      // it belongs to somebody else, or is gone
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
