import type { Printer } from './printer.ts';
import { type LineWidth, shareLine, type Transferred, transferLine } from './progress-line.ts';

/** A bar on stderr. Every method does nothing when bars are out of place. */
export interface Progress {
  /** @param share 0..1 */
  update(share: number, label?: string): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { update: () => undefined, stop: () => undefined };

/** True when somebody is looking: a terminal that can move its cursor, not CI, not `--quiet`. */
export function showsProgress(
  printer: Pick<Printer, 'quiet' | 'logs'>,
  is_tty: boolean,
  env: NodeJS.ProcessEnv,
): boolean {
  const ci = (env['CI'] ?? '') !== '' && env['CI'] !== 'false';
  return is_tty && !ci && !printer.quiet && !printer.logs && env['TERM'] !== 'dumb';
}

/** Starts a bar, or an idle stand-in. The library is loaded only for a real one. */
export async function startProgress(printer: Printer, label: string, env: NodeJS.ProcessEnv): Promise<Progress> {
  if (!showsProgress(printer, process.stderr.isTTY === true, env)) return NO_PROGRESS;
  const { draw, stop } = await startLine();
  let words = label;
  draw(shareLine(0, words, widthOf(printer)));
  return {
    update: (share, now = words) => {
      words = now;
      draw(shareLine(Math.min(1, Math.max(0, share)), words, widthOf(printer)));
    },
    stop,
  };
}

/** A bar for files on their way: bytes, rate, and the time that is left. */
export async function startTransfer(
  printer: Printer,
  label: string,
  env: NodeJS.ProcessEnv,
): Promise<{ update(now: Transferred): void; stop(): void }> {
  if (!showsProgress(printer, process.stderr.isTTY === true, env))
    return { update: () => undefined, stop: () => undefined };
  const { draw, stop } = await startLine();
  // The rate is that of the bytes: comparing, which comes first, has none.
  let moving_ms: number | undefined;
  draw(`${label}: comparing`);
  return {
    update: (now) => {
      const now_ms = performance.now();
      if (now.files_total > 0) moving_ms ??= now_ms;
      draw(transferLine(label, now, (now_ms - (moving_ms ?? now_ms)) / 1000, widthOf(printer)));
    },
    stop,
  };
}

/** One line of the terminal that is written over, some times a second, and gone when it stops. */
async function startLine(): Promise<{ draw(line: string): void; stop(): void }> {
  const { default: library } = await import('cli-progress');
  const line = new library.SingleBar({
    format: (_options, _params, payload: { readonly line: string }) => payload.line,
    ...{ stream: process.stderr, hideCursor: true, clearOnComplete: true, stopOnComplete: false },
  });
  line.start(1, 0, { line: '' });
  return { draw: (text) => line.update(0, { line: text }), stop: () => line.stop() };
}

function widthOf({ ascii }: Pick<Printer, 'ascii'>): LineWidth {
  return { columns: process.stderr.columns ?? 80, ascii };
}
