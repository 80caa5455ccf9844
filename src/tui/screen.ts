import type { LiveLogLine, LiveState } from '../app/watch/live-state.ts';
import type { WatchRequest } from '../app/watch/watch-request.ts';
import { extentOf, frame } from './frame.ts';
import type { Room } from './line.ts';
import { painted } from './paint.ts';
import { type Effect, type Key, press } from './press.ts';
import { FIRST_UI, type UiState } from './ui-state.ts';

/** The size of a terminal; nobody knows it of some. */
export interface TerminalSize {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

const SIZE = { columns: 80, rows: 24 } as const;
/** Smaller ones are drawn as if they had that much. */
const LEAST = { width: 40, height: 10 } as const;
/** Lines of commands that were started here. */
const OWN_LOG_MAX = 500;

/** What is on the screen: the state, where the person is, and the lines that follow from both. */
export class Screen {
  readonly #request: Pick<WatchRequest, 'color' | 'ascii' | 'commandOf'>;
  readonly #size: () => TerminalSize;
  readonly #watchers = new Set<() => void>();
  #live: LiveState;
  #state: LiveState;
  #own_log: readonly LiveLogLine[] = [];
  #ui: UiState = FIRST_UI;
  #lines: readonly string[] = [];

  constructor(request: Pick<WatchRequest, 'color' | 'ascii' | 'commandOf'>, live: LiveState, size: () => TerminalSize) {
    this.#request = request;
    this.#live = live;
    this.#state = live;
    this.#size = size;
    this.redraw();
  }

  /** The lines as they are sent to the terminal; the same array while nothing has changed. */
  readonly lines = (): readonly string[] => this.#lines;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  get live(): LiveState {
    return this.#live;
  }

  get ui(): UiState {
    return this.#ui;
  }

  /** @returns what is to be done beside. */
  press(key: Key): Effect | undefined {
    const { ui, effect } = press(this.#ui, key, this.#state, extentOf(this.#state, this.#ui, this.#room(), Date.now()));
    const { asked } = ui;
    this.change(
      asked?.kind === 'command'
        ? { ...ui, asked: { ...asked, shown: this.#request.commandOf(asked.words).shown } }
        : ui,
    );
    return effect;
  }

  change(ui: UiState): void {
    this.#ui = ui;
    this.redraw();
  }

  show(live: LiveState): void {
    this.#live = live;
    this.#merge();
  }

  /** A line of a command that was started here. */
  tell(line: LiveLogLine): void {
    this.#own_log = [...this.#own_log, line].slice(-OWN_LOG_MAX);
    this.#merge();
  }

  #merge(): void {
    const log = [...this.#live.log, ...this.#own_log].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    this.#state = { ...this.#live, log };
    this.redraw();
  }

  /** Draws again what may have changed by time or size. */
  redraw(): void {
    const room = this.#room();
    const paint = { width: room.width, color: this.#request.color };
    const lines = frame(this.#state, this.#ui, room, Date.now()).map((line) => painted(line, paint));
    if (lines.length === this.#lines.length && lines.every((line, i) => line === this.#lines[i])) return;
    this.#lines = lines;
    for (const watcher of this.#watchers) watcher();
  }

  #room(): Room {
    const { columns, rows } = this.#size();
    return {
      width: Math.max(LEAST.width, columns || SIZE.columns),
      height: Math.max(LEAST.height, rows || SIZE.rows),
      ascii: this.#request.ascii,
    };
  }
}
