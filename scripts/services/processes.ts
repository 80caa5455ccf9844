import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './command.ts';
import type { Launch } from './server.ts';

const STOP_MS = 10_000;

/** A process that was started, told from a later one with the same number by when it started. */
export interface ProcessMark {
  readonly name: string;
  readonly pid: number;
  readonly started: string;
  readonly stop_signal: NodeJS.Signals;
}

/** The command with what makes it run as another user, if we are root and one is asked for. */
export function asUser(launch: Launch): readonly [string, readonly string[]] {
  if (launch.user === undefined || process.getuid?.() !== 0) return [launch.command, launch.args];
  const ids = ['--reuid', launch.user, '--regid', launch.user, '--clear-groups'];
  return [findProgram('setpriv') ?? 'setpriv', [...ids, launch.command, ...launch.args]];
}

/** Starts a process in a group of its own, so that a Ctrl-C reaches us and not the server, and a stop reaches its children. */
export function launchProcess(launch: Launch, cwd: string, log: string): ProcessMark {
  const [command, args] = asUser(launch);
  const output = openSync(log, 'a', 0o600);
  try {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...launch.env },
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.on('error', () => {}); // Told by `pid` below and by the end of the process.
    child.unref();
    if (child.pid === undefined) throw new Error(`${command} cannot be started`);
    const { name, stop_signal = 'SIGTERM' } = launch;
    return { name, pid: child.pid, started: startOf(child.pid) ?? '', stop_signal };
  } finally {
    closeSync(output);
  }
}

/** Whether it still runs. */
export function isAlive(mark: ProcessMark): boolean {
  return startOf(mark.pid) === mark.started && mark.started !== '';
}

/** Ends processes: politely, then for certain after ten seconds; or by the signal that is given. */
export async function stopProcesses(marks: readonly ProcessMark[], signal?: NodeJS.Signals): Promise<void> {
  for (const mark of marks) if (isAlive(mark)) signalGroup(mark, signal ?? mark.stop_signal);
  const end = Date.now() + STOP_MS;
  while (marks.some(isAlive) && Date.now() < end) await sleep(25);
  for (const mark of marks) if (isAlive(mark)) signalGroup(mark, 'SIGKILL');
  while (marks.some(isAlive)) await sleep(25);
}

function signalGroup(mark: ProcessMark, signal: NodeJS.Signals): void {
  try {
    process.kill(-mark.pid, signal);
  } catch {
    // It ended in between.
  }
}

/** When a process started, in the system's own words; undefined if there is none or it is only waiting to be collected. */
function startOf(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      // Behind the name in brackets, which may hold anything: state, parent …, the start is the 20th.
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const said = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return said === '' || said.startsWith('Z') ? undefined : said.replace(/^\S+\s+/, '');
}

// Reads process numbers and folders line by line. When its input ends, because its owner closed it or died, it ends the process groups
// and removes the folders.
const LEASH = `
pids= ; folders= ; set -f
while IFS= read -r line; do
  case $line in
    +*) pids="$pids \${line#+}" ;;
    -*) kept= ; for pid in $pids; do [ "$pid" = "\${line#-}" ] || kept="$kept $pid"; done; pids=$kept ;;
    /*) set -- "$@" "$line" ;;
  esac
done
for pid in $pids; do kill -TERM -"$pid" 2>/dev/null; done
for try in 1 2 3 4 5 6 7 8 9 10; do
  alive= ; for pid in $pids; do kill -0 -"$pid" 2>/dev/null && alive=1; done
  [ -n "$alive" ] || break
  sleep 1
done
for pid in $pids; do kill -KILL -"$pid" 2>/dev/null; done
[ $# -eq 0 ] || rm -rf -- "$@"
`;

/** Ties processes and folders to the life of this process: whatever ends it, `kill -9` too, ends them. */
export interface Leash {
  hold(mark: ProcessMark): void;
  release(mark: ProcessMark): void;
  removeAtEnd(folder: string): void;
}

/** One small shell that waits for our end. */
export function makeLeash(): Leash {
  const child = spawn('sh', ['-c', LEASH, 'leash'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  const tell = (line: string): void => {
    child.stdin.write(`${line}\n`);
  };
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  return {
    hold: (mark) => tell(`+${mark.pid}`),
    release: (mark) => tell(`-${mark.pid}`),
    removeAtEnd: (folder) => tell(folder),
  };
}
