import type { Printer } from './printer.ts';

/** A bar on stderr. Every method does nothing when bars are out of place. */
export interface Progress {
  /** @param share 0..1 */
  update(share: number, label?: string): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { update: () => undefined, stop: () => undefined };

/** True when somebody is looking: a terminal that can move its cursor, not CI, not `--quiet`. */
export function showsProgress(printer: Pick<Printer, 'quiet'>, is_tty: boolean, env: NodeJS.ProcessEnv): boolean {
  const ci = (env['CI'] ?? '') !== '' && env['CI'] !== 'false';
  return is_tty && !ci && !printer.quiet && env['TERM'] !== 'dumb';
}

/** Starts a bar, or an idle stand-in. The library is loaded only for a real one. */
export async function startProgress(printer: Printer, label: string, env: NodeJS.ProcessEnv): Promise<Progress> {
  if (!showsProgress(printer, process.stderr.isTTY === true, env)) return NO_PROGRESS;
  const { default: library } = await import('cli-progress');
  const bar = new library.SingleBar({
    format: '{label} [{bar}] {percentage}%',
    barCompleteChar: printer.ascii ? '#' : '█',
    barIncompleteChar: printer.ascii ? '.' : '░',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
  });
  bar.start(100, 0, { label });
  return {
    update: (share, now) =>
      bar.update(Math.round(Math.min(1, Math.max(0, share)) * 100), now === undefined ? {} : { label: now }),
    stop: () => bar.stop(),
  };
}
