import { PassThrough } from 'node:stream';
import type { MultiBar, SingleBar } from 'cli-progress';

/** Lines at the end of what is printed, written over in their place; what is printed meanwhile comes above them. */
export interface LiveLines {
  draw(lines: readonly string[]): void;
  /** Takes them off the screen until the next draw. */
  hide(): void;
  /** Takes them off for good and gives the cursor back. */
  stop(): void;
}

/** What is between them appears at once, where the terminal can do that (synchronized output). */
const TOGETHER = ['\u001b[?2026h', '\u001b[?2026l'] as const;
const SHOW_CURSOR = '\u001b[?25h';
/** The library draws by itself now and then; we say when. */
const NEVER_FPS = 1 / 86_400;

/** Collects what the library writes piece by piece, so that a frame leaves as a whole. */
class FrameStream extends PassThrough {
  readonly isTTY = true;
  readonly #terminal: NodeJS.WriteStream;
  #text = '';

  constructor(terminal: NodeJS.WriteStream) {
    super();
    this.#terminal = terminal;
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  override write(text: unknown): boolean {
    this.#text += String(text);
    return true;
  }

  send(): void {
    if (this.#text !== '') this.#terminal.write(TOGETHER[0] + this.#text + TOGETHER[1]);
    this.#text = '';
  }
}

/** The parts of the library's terminal that its types keep to themselves. */
interface LibraryTerminal {
  cursorRelativeReset(): void;
  clearBottom(): void;
}

/** The library is loaded only here. */
export async function startLiveLines(terminal: NodeJS.WriteStream): Promise<LiveLines> {
  const { default: library } = await import('cli-progress');
  const stream = new FrameStream(terminal);
  const bars = new library.MultiBar({
    format: (_options, _params, payload: { readonly line: string }) => payload.line,
    ...{ stream, hideCursor: true, clearOnComplete: true, linewrap: true, gracefulExit: false },
    ...{ fps: NEVER_FPS, forceRedraw: true, emptyOnZero: true },
  });
  return new Lines(bars, stream, terminal);
}

class Lines implements LiveLines {
  readonly #bars: MultiBar;
  readonly #stream: FrameStream;
  readonly #terminal: NodeJS.WriteStream;
  readonly #lines: SingleBar[] = [];
  #drawn = '';
  #columns = 0;

  constructor(bars: MultiBar, stream: FrameStream, terminal: NodeJS.WriteStream) {
    this.#bars = bars;
    this.#stream = stream;
    this.#terminal = terminal;
    process.once('exit', this.#showCursor);
  }

  draw(lines: readonly string[]): void {
    const frame = lines.join('\n');
    if (frame === this.#drawn && this.#columns === this.#terminal.columns) return;
    if (this.#columns !== this.#terminal.columns) this.hide();
    this.#drawn = frame;
    this.#columns = this.#terminal.columns;
    while (this.#lines.length > lines.length) {
      const line = this.#lines.pop();
      if (line !== undefined) this.#bars.remove(line);
    }
    for (const [i, line] of lines.entries()) {
      const bar = this.#lines[i];
      if (bar === undefined) this.#lines.push(this.#bars.create(1, 0, { line }));
      else bar.update(0, { line });
    }
    this.#bars.update();
    this.#stream.send();
  }

  /** A terminal that became narrower has broken the lines: the first one is higher up than the library knows. */
  #rise(): void {
    const { columns } = this.#terminal;
    if (this.#drawn === '' || columns >= this.#columns) return;
    const more = this.#drawn
      .split('\n')
      .reduce((sum, line) => sum + Math.max(0, Math.ceil(line.length / columns) - 1), 0);
    if (more > 0) this.#stream.write(`\u001b[${more}A`);
  }

  hide(): void {
    if (this.#drawn === '') return;
    this.#rise();
    this.#drawn = '';
    const { terminal } = this.#bars as unknown as { readonly terminal: LibraryTerminal };
    terminal.cursorRelativeReset();
    terminal.clearBottom();
    this.#stream.send();
  }

  stop(): void {
    process.off('exit', this.#showCursor);
    this.#bars.stop();
    this.#stream.send();
    this.#stream.destroy();
  }

  /** Also when the process ends in the middle. */
  readonly #showCursor = (): void => void this.#terminal.write(SHOW_CURSOR);
}
