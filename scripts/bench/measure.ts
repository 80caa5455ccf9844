import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

export interface Measured {
  readonly wall_ms: number;
  /** Peak resident memory of the process, from the kernel's own account. */
  readonly peak_rss_mb: number;
  /** Processor time of the process with its threads, to a few hundredths of a second. */
  readonly cpu_ms: number;
  readonly stdout: string;
}

/** Runs a command, alone, and measures it from outside. NODE_EXTRA_CA_CERTS is unset: it costs Node 20 about 45 ms a start. */
export function timed(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly expect?: readonly number[] },
): Promise<Measured> {
  const env = { ...process.env };
  delete env['NODE_EXTRA_CA_CERTS'];
  const started = performance.now();
  const child = spawn('/usr/bin/env', ['bash', '-c', 'exec "$0" "$@"', command, ...args], {
    cwd: options.cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  let [peak, cpu_ms] = [0, 0];
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMb(child.pid));
    cpu_ms = Math.max(cpu_ms, cpuMs(child.pid));
  }, 20);
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      clearInterval(watch);
      const wall_ms = performance.now() - started;
      if (!(options.expect ?? [0]).includes(code ?? -1))
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${stderr.slice(0, 800)}`));
      else resolve({ wall_ms, peak_rss_mb: peak, cpu_ms, stdout });
    });
  });
}

function residentMb(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** User and system time, which the kernel counts in hundredths of a second. */
function cpuMs(pid: number | undefined): number {
  return timesOf(pid).own;
}

/** Processor time of a server's processes up to now, that of children that have ended included: PostgreSQL has one for each connection. */
export function serverCpuMs(pids: readonly number[]): number {
  return pids.map(timesOf).reduce((sum, { own, ended }) => sum + own + ended, 0);
}

/** Of a process, and of its children that have ended. */
function timesOf(pid: number | undefined): { readonly own: number; readonly ended: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the command's name, which may hold blanks: state, then numbers; the times are the fields 14 to 17 of the line.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, ended_user = 0, ended_system = 0] = fields.slice(11, 15).map(Number);
    return { own: (user + system) * 10, ended: (ended_user + ended_system) * 10 };
  } catch {
    return { own: 0, ended: 0 };
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
