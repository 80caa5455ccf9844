import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

export interface Measured {
  readonly wall_ms: number;
  /** Peak resident memory of the process, from the kernel's own account. */
  readonly peak_rss_mb: number;
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
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMb(child.pid));
  }, 20);
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      clearInterval(watch);
      const wall_ms = performance.now() - started;
      if (!(options.expect ?? [0]).includes(code ?? -1))
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${stderr.slice(0, 800)}`));
      else resolve({ wall_ms, peak_rss_mb: peak, stdout });
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

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
