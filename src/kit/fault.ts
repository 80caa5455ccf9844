import { writeSync } from 'node:fs';

/**
 * Named fault points for crash tests: `DATAFLOW_FAULT=<name>:kill[@<n>]` or `<name>:error[@<n>]` (n-th pass, default 1);
 * `<name>:stop` suspends the process (SIGSTOP) until somebody lets it go on, `<name>:trace` only tells each pass. A process that reads files knows three more: `segv` (crash), `hang` (never end), `hog` (take memory
 * until somebody stops it). Inert unless the variable is set; the check is one comparison.
 */
const plan = parsePlan(process.env['DATAFLOW_FAULT']);
let passes = 0;

interface FaultPlan {
  readonly name: string;
  readonly action: string;
  readonly nth: number;
}

function parsePlan(text: string | undefined): FaultPlan | undefined {
  const match = /^([\w-]+):(kill|stop|error|trace|segv|hang|hog)(?:@(\d+))?$/.exec(text ?? '');
  if (!match?.[1] || !match[2]) return undefined;
  return { name: match[1], action: match[2], nth: Number(match[3] ?? 1) };
}

/** Dies (SIGKILL), stands still, throws or speaks here when the environment asks for it. `any` matches every point. */
export function faultPoint(name: string): void {
  if (plan === undefined || (plan.name !== name && plan.name !== 'any')) return;
  passes += 1;
  if (plan.action !== 'trace' && passes !== plan.nth) return;
  // Which one it was cannot be told any more after a kill.
  writeSync(2, `fault point ${name}\n`);
  if (plan.action === 'trace') return;
  if (plan.action === 'stop') {
    process.kill(process.pid, 'SIGSTOP');
    return;
  }
  if (plan.action === 'kill') process.kill(process.pid, 'SIGKILL');
  throw Object.assign(new Error(`injected fault at ${name}`), { code: 'EIO' });
}

/** A fault point in a process that reads files: `reader-<name of the file without its ending>`. Not counted, not matched by `any`. */
export function readerFaultPoint(name: string): void {
  if (plan === undefined || plan.name !== name) return;
  if (plan.action === 'segv') process.kill(process.pid, 'SIGSEGV');
  if (plan.action === 'kill') process.kill(process.pid, 'SIGKILL');
  const hoard: Buffer[] = [];
  while (plan.action === 'hang' || plan.action === 'hog')
    if (plan.action === 'hog') hoard.push(Buffer.alloc(16 * 1024 * 1024, 1));
  throw Object.assign(new Error(`injected fault at ${name}`), { code: 'EIO' });
}
