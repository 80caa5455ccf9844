import type { RunEvent, RunReport } from '../../app/run/run-events.ts';
import type { Invocation } from '../command-spec.ts';
import { type LiveLines, startLiveLines } from '../live-lines.ts';
import type { Printer } from '../printer.ts';
import { showsProgress } from '../progress.ts';
import { type RunAtWork, runLines, type StepAtWork } from '../run-lines.ts';
import { tellTo } from './run-printing.ts';

type Tell = (event: RunEvent) => void;

/** How often the lines are drawn: a run that is over before that shows none. */
const DRAW_MS = 500;

/** Does the work and tells on the terminal how it goes on: what happened line by line, and what is at work below. */
export async function tellingRun<T extends RunReport>(
  invocation: Pick<Invocation, 'printer' | 'env' | 'command_line' | 'signal'>,
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const { printer } = invocation;
  const report = await watchedRun(invocation, work);
  const { run_id, status, exit_code, wall_ms, release_id = null } = report;
  const words = run_id === undefined ? 'nothing to do' : `run finished: ${status}`;
  printer.entry('info', words, { event: 'run_finished', status, exit_code, release_id, wall_ms });
  return report;
}

async function watchedRun<T extends RunReport>(
  invocation: Pick<Invocation, 'printer' | 'env' | 'command_line' | 'signal'>,
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const { printer, env } = invocation;
  const tell = tellTo(printer);
  if (printer.format === 'ndjson') return await asEvents(invocation, tell, work);
  if (!showsProgress(printer, process.stderr.isTTY === true, env)) return await work(tell);
  const view = new RunView(printer, await startLiveLines(process.stderr));
  try {
    return await work((event) => {
      tell(event);
      view.learn(event);
    });
  } finally {
    view.stop();
  }
}

/** The run as events on standard output; what is meant for people stays on standard error. */
async function asEvents<T extends RunReport>(
  { printer, command_line, signal }: Pick<Invocation, 'printer' | 'command_line' | 'signal'>,
  tell: Tell,
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const [{ RunEventLines }, { exitCodeBy }] = await Promise.all([
    import('./run-event-lines.ts'),
    import('./event-lines.ts'),
  ]);
  const lines = new RunEventLines(command_line, (line) => printer.event(line));
  try {
    const report = await work((event) => {
      tell(event);
      lines.tell(event);
    });
    lines.end(report);
    return report;
  } catch (error) {
    lines.fail(error, signal.aborted ? exitCodeBy(signal) : undefined);
    throw error;
  }
}

/** Keeps the lines of a run. */
class RunView {
  readonly #printer: Printer;
  readonly #lines: LiveLines;
  readonly #timer: NodeJS.Timeout;
  #run: RunAtWork | undefined;
  /** A window of a backfill begins its step again. */
  readonly #ended = new Set<string>();

  constructor(printer: Printer, lines: LiveLines) {
    this.#printer = printer;
    this.#lines = lines;
    printer.above = lines;
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
    this.#timer.unref();
  }

  learn(event: RunEvent): void {
    const now_ms = Date.now();
    if (event.type === 'run_started')
      this.#run = { started_ms: now_ms, steps_total: event.steps.length, steps_ended: 0, steps: new Map() };
    const run = this.#run;
    if (run === undefined) return;
    if (event.type === 'step_started') {
      this.#ended.delete(event.step);
      this.#with(event.step, { started_ms: now_ms });
    } else if (event.type === 'step_progress') {
      const { step } = event.progress;
      this.#with(step, { started_ms: Date.parse(event.progress.started_at), progress: event.progress });
    } else if (event.type === 'step_finished') {
      const steps = new Map(run.steps);
      steps.delete(event.record.step);
      this.#ended.add(event.record.step);
      this.#run = { ...run, steps, steps_ended: this.#ended.size };
    }
  }

  #with(step: string, one: StepAtWork): void {
    if (this.#run !== undefined) this.#run = { ...this.#run, steps: new Map(this.#run.steps).set(step, one) };
  }

  #draw(): void {
    if (this.#run === undefined) return;
    const { columns = 80, rows = 24 } = process.stderr;
    this.#lines.draw(runLines(this.#run, Date.now(), { columns, ascii: this.#printer.ascii, lines_max: rows - 1 }));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#printer.above = undefined;
    this.#lines.stop();
  }
}
