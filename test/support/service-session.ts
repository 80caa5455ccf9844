import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { putProgram, trimmed } from './transcript.ts';

/** A person at a shell in one folder: variables that a command exports are there for the next one. */
export interface Session {
  run(command: string): readonly string[];
  /** Ends what the page left running, as its `*.pid` files say, and clears everything away. */
  remove(): void;
}

/** Where pages pretend to be run. */
const SHOWN_FOLDER = '/srv/project';
/** What a person who ran the project where it is has left there. */
const MADE = /\/(lake|address|[^/]*\.pid)$/;
const COMMAND_MAX_MS = 180_000;
/** Older than the moment for which a file is left to settle. */
const HOUR_S = 3_600;

/** @param project folder that the session begins with a copy of. @param settings of the servers, such as `DATAFLOW_TEST_KAFKA`. */
export function openSession(project: string | undefined, settings: Readonly<Record<string, string>>): Session {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-session-'));
  const [bin, folder, variables] = [join(root, 'bin'), join(root, 'project'), join(root, 'variables')];
  mkdirSync(bin);
  putProgram(bin);
  if (project === undefined) mkdirSync(folder);
  else cpSync(project, folder, { recursive: true, filter: (path) => !MADE.test(path) });
  const then_s = Date.now() / 1000 - HOUR_S;
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    utimesSync(join(folder, entry), then_s, then_s);
  // Scripts of a project find the libraries as they do in the repository.
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: root,
    XDG_CACHE_HOME: join(root, 'cache'),
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    COLUMNS: '80',
    NO_COLOR: '1',
    ...settings,
  };
  return {
    run: (command) => {
      const script = `exec 2>&1; [ -f "${variables}" ] && . "${variables}"\n${command}\nexport -p > "${variables}"`;
      const { stdout } = spawnSync('bash', ['-c', script], {
        cwd: folder,
        encoding: 'utf8',
        timeout: COMMAND_MAX_MS,
        maxBuffer: 1 << 26,
        stdio: ['ignore', 'pipe', 'inherit'],
        env,
      });
      return trimmed(stdout.replaceAll(folder, SHOWN_FOLDER).split('\n'));
    },
    remove: () => {
      for (const name of readdirSync(folder).filter((one) => one.endsWith('.pid'))) stop(join(folder, name));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function stop(file: string): void {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (pid <= 1) return;
  try {
    process.kill(pid);
  } catch {
    // It ended by itself.
  }
}
