import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What names a process for good: a pid alone is used again. Null where the system does not tell (not Linux). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Changes at every boot. */
  readonly boot_id: string | null;
  /** Clock ticks between boot and the start of the process: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)). */
  readonly process_start: string | null;
  /** The same pid means another process in another container. */
  readonly pid_namespace: string | null;
}

/** `unknown`: on another host, in another container, or recorded without enough detail; never taken for dead. */
export type Liveness = 'alive' | 'dead' | 'unknown';

let own: ProcessIdentity | undefined;

export function thisProcess(): ProcessIdentity {
  own ??= {
    pid: process.pid,
    host: hostname(),
    boot_id: readLine('/proc/sys/kernel/random/boot_id'),
    process_start: procStat(process.pid)?.start ?? null,
    pid_namespace: readLink('/proc/self/ns/pid'),
  };
  return own;
}

/** Whether a recorded process still runs, judged from this one. `dead` only when that is proved. */
export function livenessOf(recorded: ProcessIdentity, here: ProcessIdentity = thisProcess()): Liveness {
  if (recorded.host !== here.host) return 'unknown';
  if (differ(recorded.boot_id, here.boot_id)) return 'dead';
  if (differ(recorded.pid_namespace, here.pid_namespace)) return 'unknown';
  if (!exists(recorded.pid)) return 'dead';
  const found = procStat(recorded.pid);
  if (found === undefined) return 'alive';
  if (found.state === 'Z' || found.state === 'X') return 'dead';
  return differ(recorded.process_start, found.start) ? 'dead' : 'alive';
}

function differ(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a !== b;
}

function exists(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, under another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** The program's name stands in parentheses and may hold anything, so the fields are counted after the last one. */
function procStat(pid: number): { readonly state: string; readonly start: string } | undefined {
  const line = readLine(`/proc/${pid}/stat`);
  const [state, ...rest] = line?.slice(line.lastIndexOf(')') + 2).split(' ') ?? [];
  const start = rest[18];
  return state === undefined || start === undefined ? undefined : { state, start };
}

function readLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
