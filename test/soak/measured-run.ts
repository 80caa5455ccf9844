import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { BINARY } from './kill-scenarios.ts';

export interface MeasuredRun {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The most resident memory that the kernel saw (VmHWM); 0 where it does not tell. */
  readonly peak_memory_bytes: number;
}

const LOOK_EVERY_MS = 25;

/** Runs the program to its end, or kills it after `timeout_ms`, and watches its memory. */
export function measuredRun(folder: string, args: readonly string[], timeout_ms: number): Promise<MeasuredRun> {
  const child = spawn(process.execPath, [BINARY, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let peak_memory_bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const watch = setInterval(() => {
    peak_memory_bytes = Math.max(peak_memory_bytes, peakOf(child.pid));
  }, LOOK_EVERY_MS);
  const limit = setTimeout(() => child.kill('SIGKILL'), timeout_ms);
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (status, signal) => {
      clearInterval(watch);
      clearTimeout(limit);
      done({ status, signal, stdout, stderr, peak_memory_bytes });
    });
  });
}

function peakOf(pid: number | undefined): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
