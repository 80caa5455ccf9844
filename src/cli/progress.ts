import { sizeText } from '../kit/units.ts';
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

/** How far a transfer is. */
export interface Transferred {
  readonly phase: string;
  readonly files: number;
  readonly files_total: number;
  readonly bytes: number;
  readonly bytes_total: number;
}

/** A bar for files on their way: bytes, rate, and the time that is left. */
export async function startTransfer(
  printer: Printer,
  label: string,
  env: NodeJS.ProcessEnv,
): Promise<{ update(now: Transferred): void; stop(): void }> {
  if (!showsProgress(printer, process.stderr.isTTY === true, env))
    return { update: () => undefined, stop: () => undefined };
  const { default: library } = await import('cli-progress');
  const began_ms = performance.now();
  let drawn_ms = 0;
  const bar = new library.SingleBar({
    format: '{label} [{bar}] {done} of {all} · {files} · {rate}/s · {left}',
    barsize: 20,
    barCompleteChar: printer.ascii ? '#' : '█',
    barIncompleteChar: printer.ascii ? '.' : '░',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
  });
  bar.start(1, 0, { label, done: '0 B', all: '', files: 'comparing', rate: '', left: '' });
  return {
    update: (now) => {
      if (performance.now() - drawn_ms < DRAWN_EVERY_MS && now.files < now.files_total) return;
      drawn_ms = performance.now();
      const seconds = Math.max(0.001, (drawn_ms - began_ms) / 1000);
      const rate = now.bytes / seconds;
      const left = rate === 0 ? '' : `${Math.ceil((now.bytes_total - now.bytes) / rate)} s left`;
      bar.setTotal(Math.max(1, now.bytes_total));
      bar.update(now.bytes, {
        ...{ done: sizeText(now.bytes), all: sizeText(now.bytes_total), rate: sizeText(rate) },
        files: now.phase === 'putting' ? `${now.files}/${now.files_total} files` : now.phase,
        left,
      });
    },
    stop: () => bar.stop(),
  };
}

const DRAWN_EVERY_MS = 100;
