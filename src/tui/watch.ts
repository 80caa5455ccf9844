import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { render } from 'ink';
import { createElement } from 'react';
import type { LiveState } from '../app/watch/live-state.ts';
import type { WatchRequest } from '../app/watch/watch-request.ts';
import type { CommandLine } from '../core/ports/server.ts';
import { App } from './app.ts';
import { OwnScreen } from './own-screen.ts';
import type { Effect } from './press.ts';
import { Screen } from './screen.ts';
import type { Action } from './ui-state.ts';

/** How often the ledger is looked at; a look at one that has not changed asks for the times of two files. */
const POLL_MS = 500;
const ANSWER_CELLS = 2;

/** Shows the view until it is left; whatever happens, the terminal is then as it was before. */
export async function watch(request: WatchRequest): Promise<readonly string[]> {
  const live = await request.read();
  if (live === undefined) return [];
  const terminal = OwnScreen.take(process.stdout);
  const view = new View(request, new Screen(request, live, () => terminal));
  try {
    await view.shown(terminal);
  } finally {
    terminal.giveBack();
  }
  return view.farewell();
}

class View {
  readonly #request: WatchRequest;
  readonly #screen: Screen;
  readonly #started = new Map<number, string>();
  #leave: (error?: unknown) => void = () => undefined;

  constructor(request: WatchRequest, screen: Screen) {
    this.#request = request;
    this.#screen = screen;
  }

  /** What the person ought to know who comes back to the shell. */
  farewell(): readonly string[] {
    return [...this.#started].map(([pid, shown]) => `${shown} goes on (pid ${pid})`);
  }

  async shown(terminal: OwnScreen): Promise<void> {
    const { signal } = this.#request;
    const left = new Promise<void>((resolve, reject) => {
      this.#leave = (error) => (error === undefined ? resolve() : reject(error));
    });
    const onAbort = (): void => this.#leave();
    const app = createElement(App, { screen: this.#screen, onKey: (key) => this.#do(this.#screen.press(key)) });
    // Ink's `debug` hands over each frame as a whole; what of it is sent is for the terminal's own screen to say.
    const stdout = terminal as unknown as NodeJS.WriteStream;
    const ink = render(app, { stdout, exitOnCtrlC: false, patchConsole: false, debug: true });
    const onResize = (): void => this.#screen.redraw();
    const timer = setInterval(() => void this.#look(), POLL_MS);
    terminal.on('resize', onResize);
    signal.addEventListener('abort', onAbort);
    void ink.waitUntilExit().then(() => this.#leave(), this.#leave);
    try {
      if (!signal.aborted) await left;
    } finally {
      clearInterval(timer);
      terminal.off('resize', onResize);
      signal.removeEventListener('abort', onAbort);
      ink.unmount();
    }
  }

  #looking = false;

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const live = await this.#request.read();
      if (live === undefined) this.#screen.redraw();
      else this.#show(live);
    } catch (error) {
      this.#say(messageOf(error), 'bad');
    } finally {
      this.#looking = false;
    }
  }

  /** An opened table that a run has ended with meanwhile is read anew. */
  #show(live: LiveState): void {
    const key = this.#screen.ui.open?.key;
    const endOf = (state: LiveState): string | null | undefined =>
      state.tables.find((one) => one.key === key)?.finished_at;
    const ended = key !== undefined && endOf(live) !== endOf(this.#screen.live);
    this.#screen.show(live);
    if (ended) void this.#open(key);
  }

  #do(effect: Effect | undefined): void {
    if (effect === undefined) return;
    if (effect.do === 'quit') this.#leave();
    else if (effect.do === 'open') void this.#open(effect.table);
    else this.#act(effect.action);
  }

  /** Reads what is shown of a table, part by part: what is there first is shown first. */
  async #open(table: string): Promise<void> {
    const cells = (process.stdout.columns ?? 80) - ANSWER_CELLS;
    const part = async (read: () => Promise<object>): Promise<void> => {
      const found = await read().catch((error: unknown) => ({ problem: messageOf(error) }));
      const { ui } = this.#screen;
      if (ui.open?.key === table) this.#screen.change({ ...ui, open: { ...ui.open, ...found } });
    };
    await part(async () => ({ why: await this.#request.why(table, cells) }));
    await part(async () => ({ detail: await this.#request.detail(table) }));
  }

  #act(action: Action): void {
    if (action.kind === 'command') {
      this.#start(this.#request.commandOf(action.words));
      return;
    }
    try {
      process.kill(action.pid, 'SIGINT');
      this.#say(`sent; run ${action.run_id} finishes or rolls back its steps`, 'good');
    } catch (error) {
      this.#say(`${action.shown}: ${messageOf(error)}`, 'bad');
    }
  }

  /** Starts a command as the shell would; it goes on when the view is left. */
  #start({ program, args, shown }: CommandLine): void {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const tell = (text: string, tone: 'plain' | 'good' | 'bad' = 'plain'): void =>
      this.#screen.tell({ at: new Date().toISOString(), tone, text });
    const { pid } = child;
    if (pid !== undefined) this.#started.set(pid, shown);
    child.unref();
    tell(`$ ${shown}`);
    this.#say(`${shown}: started`, 'good');
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (text) => text.trim() !== '' && tell(text));
    child.on('error', (error) => this.#say(`${shown}: ${error.message}`, 'bad'));
    child.on('close', (code) => {
      if (pid !== undefined) this.#started.delete(pid);
      tell(`${shown}: ended with ${code ?? 'a signal'}`, code === 0 ? 'good' : 'bad');
      this.#say(`${shown}: ended with ${code ?? 'a signal'}`, code === 0 ? 'good' : 'bad');
    });
  }

  #say(text: string, tone: 'good' | 'bad'): void {
    this.#screen.change({ ...this.#screen.ui, message: { text, tone } });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
