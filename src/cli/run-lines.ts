import type { StepProgress } from '../core/model/step-progress.ts';
import { groupedDigits, sizeText } from '../kit/units.ts';
import { type LineWidth, shareLine } from './progress-line.ts';

export interface StepAtWork {
  readonly started_ms: number;
  readonly progress?: StepProgress;
}

/** A run at work, as far as its lines tell of it. */
export interface RunAtWork {
  readonly started_ms: number;
  readonly steps_total: number;
  readonly steps_ended: number;
  /** In the order in which they began. */
  readonly steps: ReadonlyMap<string, StepAtWork>;
}

/** One line of the whole run and one for each step at work; never longer than the terminal, never more than `lines_max`. */
export function runLines(
  run: RunAtWork,
  now_ms: number,
  width: LineWidth & { readonly lines_max: number },
): readonly string[] {
  const { steps_ended, steps_total } = run;
  const words = `${steps_ended} of ${steps_total} ${steps_total === 1 ? 'step' : 'steps'}, ${elapsedText(now_ms - run.started_ms)}`;
  const share = steps_total === 0 ? 0 : Math.min(1, steps_ended / steps_total);
  const steps = [...run.steps].slice(0, Math.max(0, width.lines_max - 1));
  const names = Math.max(0, ...steps.map(([step]) => step.length));
  return [
    shareLine(share, words, width),
    ...steps.map(([step, one]) => stepLine(step.padEnd(names), now_ms - one.started_ms, one.progress, width)),
  ];
}

/** On a narrow terminal what is being done goes first, then bytes, the share, the rate. */
function stepLine(
  step: string,
  gone_ms: number,
  progress: StepProgress | undefined,
  { columns, ascii }: LineWidth,
): string {
  const { doing = '', left, rows, rate, bytes, share } = wordsOf(progress);
  const gone = elapsedText(gone_ms);
  const ways = [
    [gone, doing, rows, rate, bytes, share, left],
    [gone, rows === undefined ? doing : '', rows, rate, bytes, share, left],
    [gone, rows, rate, share, left],
    [gone, rows, rate, left],
    [gone, rows, left],
    [gone, left],
    [gone],
  ];
  const texts = ways.map((parts) =>
    parts.filter((part) => part !== undefined && part !== '').join(ascii ? ', ' : ' · '),
  );
  const room = columns - step.length - 4;
  return `  ${step} ${texts.find((text) => text.length <= room) ?? ''}`.slice(0, Math.max(1, columns - 1));
}

type Words = Partial<Record<'doing' | 'left' | 'rows' | 'rate' | 'bytes' | 'share', string>>;

function wordsOf(progress: StepProgress | undefined): Words {
  if (progress === undefined) return {};
  const { doing, rows, rows_per_second, bytes, percent, percent_of, left_ms } = progress;
  const known = rows !== null && rows > 0;
  return {
    doing,
    ...(known ? { rows: `${groupedDigits(rows)} rows` } : {}),
    ...(rows_per_second === null ? {} : { rate: `${groupedDigits(rows_per_second)}/s` }),
    ...(bytes === null || bytes === 0 ? {} : { bytes: sizeText(bytes) }),
    ...(percent === null
      ? {}
      : { share: percent_of === 'statement' && doing !== 'reading' ? `query ${percent}%` : `${percent}%` }),
    ...(left_ms === null || left_ms < 1000 ? {} : { left: `${elapsedText(left_ms)} left` }),
  };
}

/** `00:42`, `1:02:03`. */
function elapsedText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}:${rest}`;
}
