import { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';

/** No cursor, and no line that goes on in the next one. */
const TAKE = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J\u001b[H';
/** Attributes off, all that was switched off on again, the screen as it was. */
const GIVE_BACK = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';
/** What is between them appears at once, where the terminal can do that (synchronized output). */
const TOGETHER = ['\u001b[?2026h', '\u001b[?2026l'] as const;
const ENDS = ['exit', 'uncaughtException', 'unhandledRejection'] as const;

/** The terminal's second screen, as Ink sees it: it is handed whole frames, and only lines that changed are sent on. */
export class OwnScreen extends EventEmitter {
  readonly isTTY = true;
  readonly #stdout: NodeJS.WriteStream;
  #lines: readonly string[] = [];
  #taken = true;

  private constructor(stdout: NodeJS.WriteStream) {
    super();
    this.#stdout = stdout;
    for (const event of ENDS) (process as NodeJS.EventEmitter).prependListener(event, this.giveBack);
    stdout.on('resize', this.#onResize);
    // Before anything is to be seen: what is typed then is for the view, Ctrl-C too.
    process.stdin.setRawMode?.(true);
    stdout.write(TAKE);
  }

  /** Takes the screen. It is given back by {@link giveBack}, also when the process ends or dies of an error, before the error's words are written. */
  static take(stdout: NodeJS.WriteStream): OwnScreen {
    return new OwnScreen(stdout);
  }

  get columns(): number {
    return this.#stdout.columns;
  }

  get rows(): number {
    return this.#stdout.rows;
  }

  /** @param frame all lines of the screen. */
  write(frame: string): boolean {
    if (!this.#taken || frame === '') return true;
    const lines = frame.split('\n');
    // Ink shows what it has when the size changes, before there is a frame of that size.
    if (lines.length > this.rows) return true;
    const changed = lines.flatMap((text, i) =>
      text === this.#lines[i] ? [] : [`\u001b[${i + 1};1H\u001b[0m\u001b[2K${text}`],
    );
    this.#lines = lines;
    if (changed.length > 0) this.#stdout.write(TOGETHER[0] + changed.join('') + TOGETHER[1]);
    return true;
  }

  /** Sets the terminal to what it was; the second time does nothing. */
  readonly giveBack = (): void => {
    if (!this.#taken) return;
    this.#taken = false;
    this.#stdout.off('resize', this.#onResize);
    for (const event of ENDS) process.off(event, this.giveBack);
    try {
      process.stdin.setRawMode?.(false);
      // At once: an error's words follow.
      writeSync(1, GIVE_BACK);
    } catch {
      // The terminal is gone.
    }
  };

  /** The terminal may have moved the lines: all are sent anew. */
  readonly #onResize = (): void => {
    this.#lines = [];
    this.#stdout.write('\u001b[2J');
    this.emit('resize');
  };
}
