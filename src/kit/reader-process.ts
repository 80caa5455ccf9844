import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

/** The environment of a process that reads files: nothing but what Node needs, and the fault points that are meant for readers. */
export function readerEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LD_LIBRARY_PATH, DATAFLOW_FAULT, SystemRoot } = process.env;
  const fault = DATAFLOW_FAULT?.startsWith('reader-') === true ? { DATAFLOW_FAULT } : {};
  const all = { PATH, HOME, TMPDIR, LD_LIBRARY_PATH, SystemRoot, ...more, ...fault };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Resident set of a process; 0 where the system does not tell it in `/proc`. */
export function residentBytes(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1] ?? 0) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
