import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a process stands still at a fault point; what it says there comes a moment earlier. */
export async function stopped(pid: number | undefined): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 20) {
    const state = / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    if (state === 'T') return;
    await sleep(20);
  }
  throw new Error(`process ${pid} never came to the fault point`);
}
