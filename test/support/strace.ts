import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Whether system calls can be watched and made to fail here. */
export const CAN_STRACE =
  process.platform === 'linux' &&
  spawnSync('strace', ['-f', '-e', 'trace=fsync', '-o', '/dev/null', 'true']).status === 0;

/** A system call that came back. */
export interface Call {
  readonly name: string;
  /** As strace writes them, with the path behind each file descriptor: `21</path>`. */
  readonly args: string;
  readonly ok: boolean;
}

export interface Straced {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly Call[];
}

/** Runs the program under strace. `inject` is what makes calls fail: `fsync:error=EIO:when=3`. */
export function straced(
  folder: string,
  args: readonly string[],
  trace: string,
  inject?: string,
  binary = resolve('bin/dataflow.js'),
): Straced {
  const own = mkdtempSync(join(tmpdir(), 'dataflow-strace-'));
  const log = join(own, 'log');
  try {
    const flags = [
      '-f',
      '-y',
      '-s',
      '4',
      '-o',
      log,
      '-e',
      `trace=${trace}`,
      ...(inject === undefined ? [] : ['-e', `inject=${inject}`]),
    ];
    const child = spawnSync('strace', [...flags, process.execPath, binary, ...args], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
    });
    return {
      status: child.status,
      stdout: child.stdout,
      stderr: child.stderr,
      calls: callsIn(readFileSync(log, 'utf8')),
    };
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Calls in the order in which they came back; one that another thread interrupted in the log is put together again. */
function callsIn(log: string): readonly Call[] {
  const begun = new Map<string, string>();
  const found: Call[] = [];
  for (const line of log.split('\n')) {
    const [, pid = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(\w+\(.*?),? <unfinished \.\.\.>$/.exec(text);
    if (unfinished?.[1] !== undefined) {
      begun.set(pid, unfinished[1]);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    const whole = resumed === null ? text : `${begun.get(pid) ?? ''}${resumed[1]}`;
    const call = /^(\w+)\((.*)\) += (-?\d+|\?)/.exec(whole);
    if (call?.[1] !== undefined)
      found.push({ name: call[1], args: call[2] ?? '', ok: !String(call[3]).startsWith('-') });
  }
  return found;
}

/** Paths in a call's arguments: those behind file descriptors, and those in quotes. */
export function pathsIn(args: string): readonly string[] {
  return [...args.matchAll(/"([^"]*)"|\d+<([^>]*)>/g)].map((match) => match[1] ?? match[2] ?? '');
}
