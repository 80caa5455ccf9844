import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunProgress, StepProgress } from '../../core/model/step-progress.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Taken } from '../../medallion/context.ts';
import { ProgressRate, type Reading } from './progress-rate.ts';
import type { RunEvent } from './run-events.ts';

const TICK_MS = 1_000;
const NOTE = 'progress.json';
/** Kept up to date about once a second; older, nobody vouches for it. */
const FRESH_MS = 5_000;
/** How long ago a source that is asked may have brought something for the step to be at that. */
const PULLING_MS = 3_000;

interface StepAtWork {
  readonly started_ms: number;
  readonly last_wall_ms: number | undefined;
  readonly rate: ProgressRate;
  readonly sessions: Set<EngineSession>;
  taken: (Reading & { readonly at_ms: number }) | undefined;
  reading: Reading;
}

export interface ProgressOptions {
  readonly run_id: string;
  /** The run's own temporary folder, there or not yet. */
  readonly temp_folder: string;
  readonly steps_total: number;
  /** What the last success of a step took. */
  readonly lastWallMs: (step: string) => number | undefined;
  readonly tell: (event: RunEvent) => void;
}

/**
 * Looks once a second how far the steps at work are, tells it and notes it beside the run. Nothing is computed for it: the engine's sessions, the sources
 * and the files that are being written are asked.
 */
export class ProgressWatch {
  readonly #options: ProgressOptions;
  readonly #steps = new Map<string, StepAtWork>();
  /** A window of a backfill begins its step again. */
  readonly #ended = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Listens to what the run tells, and tells it on. */
  readonly tell = (event: RunEvent): void => {
    if (event.type === 'step_started') this.#begin(event.step);
    if (event.type === 'step_finished') {
      this.#steps.delete(event.record.step);
      this.#ended.add(event.record.step);
    }
    this.#options.tell(event);
  };

  /** @param label of a session of a step: `<run>/<step>`, perhaps with more behind it */
  watched(label: string, session: EngineSession): EngineSession {
    const step = label.split('/')[1] ?? '';
    if (session.progress !== undefined) this.#steps.get(step)?.sessions.add(session);
    return session;
  }

  /** Something was looked at or came in before the engine has it. */
  took(step: string, { doing, rows, bytes, bytes_expected }: Taken): void {
    const one = this.#steps.get(step);
    if (one === undefined) return;
    const before = one.taken?.doing === doing ? one.taken : undefined;
    one.taken = {
      doing,
      rows: (before?.rows ?? 0) + rows,
      bytes: (before?.bytes ?? 0) + bytes,
      ...(bytes_expected === undefined ? {} : { bytes_expected }),
      at_ms: Date.now(),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #begin(step: string): void {
    this.#ended.delete(step);
    this.#steps.set(step, {
      started_ms: Date.now(),
      last_wall_ms: this.#options.lastWallMs(step),
      rate: new ProgressRate(),
      sessions: new Set(),
      taken: undefined,
      reading: { doing: 'computing' },
    });
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const now_ms = Date.now();
    const steps = [...this.#steps].map(([step, one]) => progressOf(step, one, now_ms));
    if (steps.length === 0) return;
    for (const progress of steps) this.#options.tell({ type: 'step_progress', progress });
    const { run_id, temp_folder, steps_total } = this.#options;
    const at = new Date(now_ms).toISOString();
    noteProgress(temp_folder, { run_id, at, steps_total, steps_ended: this.#ended.size, steps });
  }
}

function progressOf(step: string, one: StepAtWork, now_ms: number): StepProgress {
  one.reading = readingOf(one, now_ms);
  const gone_ms = now_ms - one.started_ms;
  const last_left_ms =
    one.last_wall_ms !== undefined && one.last_wall_ms > gone_ms ? one.last_wall_ms - gone_ms : undefined;
  const started_at = new Date(one.started_ms).toISOString();
  return { step, started_at, ...one.rate.next(one.reading, now_ms, last_left_ms) };
}

/** What a source brings goes before what the engine makes of it; between two statements the step is still at the last one. */
function readingOf({ taken, sessions, reading }: StepAtWork, now_ms: number): Reading {
  if (taken?.doing === 'pulling' && now_ms - taken.at_ms < PULLING_MS) return taken;
  for (const session of sessions) {
    const progress = session.progress?.();
    if (progress === undefined) continue;
    return progress;
  }
  if (taken === undefined) return { doing: reading.doing };
  // A source may let wait for more; files that were all looked at are the engine's matter.
  const over = taken.doing === 'inspecting' && (taken.bytes ?? 0) >= (taken.bytes_expected ?? 0);
  return over ? { doing: reading.doing } : taken;
}

/** In one act, so that who reads it meanwhile has it whole; never waited for. A note that cannot be written is no reason to fail. */
function noteProgress(folder: string, progress: RunProgress): void {
  const file = join(folder, NOTE);
  try {
    writeFileSync(`${file}.new`, JSON.stringify(progress), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    // Whoever looks on knows less.
  }
}

/**
 * What a run at work noted last, or undefined when it noted nothing for some seconds: before its first step, between steps, or in a process that is gone.
 * @param state_folder of the project
 */
export function notedProgress(state_folder: string, run_id: string, now_ms: number): RunProgress | undefined {
  try {
    const noted = JSON.parse(readFileSync(join(state_folder, 'tmp', run_id, NOTE), 'utf8')) as RunProgress;
    return noted.run_id === run_id && now_ms - Date.parse(noted.at) < FRESH_MS ? noted : undefined;
  } catch {
    return undefined;
  }
}
