import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a terminal of so many columns and rows shows, and a way to type into it: tmux with a server of its own. */
export interface Tmux {
  /** Types keys by their tmux names (`Enter`, `Escape`) or as they are. */
  keys(...keys: readonly string[]): void;
  screen(): string;
  /** Waits for the screen to show this; fails with what it shows instead. */
  shows(pattern: RegExp): Promise<string>;
  resize(columns: number, rows: number): void;
  /** Whether the second screen is in use, and whether the cursor is hidden. */
  state(): { readonly second_screen: boolean; readonly cursor_hidden: boolean };
  close(): void;
}

const WAIT_MS = 20_000;
const LOOK_MS = 50;

/** Why tests in a terminal cannot run here; undefined when they can. */
export function withoutTmux(): string | undefined {
  const { status, error } = spawnSync('tmux', ['-V']);
  return status === 0 ? undefined : `tmux is not installed (${error?.message ?? status})`;
}

/** @param name of the server, unlike that of other tests. */
export function openTmux(
  name: string,
  options: { readonly cwd: string; readonly columns: number; readonly rows: number },
): Tmux {
  const socket = `dataflow-${name}-${process.pid}`;
  const tmux = (...args: readonly string[]): string => {
    const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  };
  // CI says that nobody is looking.
  const shell = 'env -u CI -u NO_COLOR -u NODE_EXTRA_CA_CERTS LC_ALL=C.UTF-8 PS1="shell> " bash --norc --noprofile';
  const size = ['-x', String(options.columns), '-y', String(options.rows)];
  tmux('new-session', '-d', ...size, '-c', options.cwd, '-s', 't', shell);
  const screen = (): string => tmux('capture-pane', '-p', '-t', 't');
  return {
    keys: (...keys) => void tmux('send-keys', '-t', 't', ...keys),
    screen,
    shows: async (pattern) => {
      const until_ms = Date.now() + WAIT_MS;
      for (;;) {
        const now = screen();
        if (pattern.test(now)) return now;
        if (Date.now() > until_ms) throw new Error(`the screen never showed ${pattern}; it shows\n${now}`);
        await sleep(LOOK_MS);
      }
    },
    resize: (columns, rows) => void tmux('resize-window', '-t', 't', '-x', String(columns), '-y', String(rows)),
    state: () => {
      const [second, cursor] = tmux('display-message', '-p', '-t', 't', '#{alternate_on} #{cursor_flag}')
        .trim()
        .split(' ');
      return { second_screen: second === '1', cursor_hidden: cursor === '0' };
    },
    close: () => void spawnSync('tmux', ['-L', socket, 'kill-server']),
  };
}
