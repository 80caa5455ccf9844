import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchSettings, type Figure, milliseconds } from './figure.ts';
import { retailProject } from './full-run.ts';
import { median, timed } from './measure.ts';
import { makeRetail } from './retail-data.ts';

const BINARY = resolve('bin/dataflow.js');
const KILLED_AT = 0.9;
const LIMIT = 0.15;

/** The retail run, killed when nine tenths of its time are over, and run again. */
export async function resume(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  retailProject(cwd);
  await makeRetail(join(cwd, 'data'), settings.rows);
  const fresh = (): void => rmSync(join(cwd, 'lake'), { recursive: true, force: true });
  const full: number[] = [];
  const rest: number[] = [];
  for (let i = 0; i < Math.min(settings.runs, 3); i++) {
    fresh();
    const { wall_ms } = await timed(process.execPath, [BINARY, 'run'], { cwd });
    full.push(wall_ms);
    fresh();
    // A run that was done before its time tells nothing of a resumption.
    if (!(await killedAfter(cwd, wall_ms * KILLED_AT))) continue;
    rest.push((await timed(process.execPath, [BINARY, 'run'], { cwd })).wall_ms);
  }
  if (rest.length === 0)
    throw new Error('each run ended before it could be killed: the machine is too uneven for this figure');
  const [whole, part] = [median(full), median(rest)];
  return [
    {
      name: `resume after a kill at 90 %, ${(settings.rows / 1e6).toLocaleString('en')}M rows`,
      ours: milliseconds(part),
      beside: milliseconds(whole),
      ratio: (part / whole).toFixed(3),
      limit: `≤ ${LIMIT}`,
      ok: part / whole <= LIMIT,
      note: 'SIGKILL after 90 % of the time of a full run; beside that full run. What remains then is the last step, the fact table, which is a quarter of the whole run by itself and begins anew: what is published is used, half a step is not',
    },
  ];
}

/** False when the run had ended by then. */
async function killedAfter(cwd: string, wall_ms: number): Promise<boolean> {
  const child = spawn(process.execPath, [BINARY, 'run'], { cwd, stdio: 'ignore' });
  const ended = new Promise<NodeJS.Signals | null>((done) => child.once('exit', (_, signal) => done(signal)));
  await sleep(wall_ms);
  child.kill('SIGKILL');
  return (await ended) === 'SIGKILL';
}
