import type { LiveRun, LiveTableState, LiveWork } from '../app/watch/live-state.ts';
import type { StepProgress } from '../core/model/step-progress.ts';
import { groupedDigits, sizeText } from '../kit/units.ts';
import type { Tone } from './line.ts';

/** A count whole, or nothing. */
export function count(value: number | null): string {
  return value === null ? '' : groupedDigits(value);
}

/** `09:12:03` of a time in UTC. */
export function clock(at: string | null): string {
  return at === null ? '' : at.slice(11, 19);
}

/** `11-22 09:12` of a time in UTC. */
export function minute(at: string | null): string {
  return at === null ? '' : at.slice(5, 16).replace('T', ' ');
}

/** `00:42`, `1:02:03`. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}:${rest}`;
}

export const STATE_TONES: Readonly<Record<LiveTableState, Tone>> = {
  running: 'active',
  waits: 'dim',
  ok: 'good',
  fresh: 'good',
  failed: 'bad',
  skipped: 'warn',
  new: 'dim',
};

export const RUN_TONES: Readonly<Record<LiveRun['status'], Tone>> = {
  running: 'active',
  succeeded: 'good',
  failed: 'bad',
  partial: 'warn',
  interrupted: 'warn',
};

/** How long it may still take, by what its last success took. Null when nothing tells. */
function leftMs({ started_at, last_wall_ms }: LiveWork, now_ms: number): number | null {
  const gone_ms = now_ms - Date.parse(started_at);
  return last_wall_ms !== null && last_wall_ms > gone_ms ? last_wall_ms - gone_ms : null;
}

/** `00:12, writing 1,234,567 rows, 98,000/s, 45.6 MB, 38% of the query, about 00:16 left`, as far as it is known. */
export function workWords(work: LiveWork, now_ms: number): string {
  const { progress } = work;
  const gone = elapsed(now_ms - Date.parse(work.started_at));
  const left = progress?.left_ms ?? leftMs(work, now_ms);
  const about = left === null || left < 1000 ? [] : [`about ${elapsed(left)} left`];
  return [gone, ...(progress === undefined ? [] : progressWords(progress)), ...about].join(', ');
}

function progressWords({ doing, rows, rows_per_second, bytes, percent, percent_of }: StepProgress): readonly string[] {
  const known = rows !== null && rows > 0;
  return [
    known ? `${doing} ${groupedDigits(rows)} rows` : doing,
    ...(rows_per_second === null ? [] : [`${groupedDigits(rows_per_second)}/s`]),
    ...(bytes === null || bytes === 0 ? [] : [sizeText(bytes)]),
    ...(percent === null
      ? []
      : [percent_of === 'statement' && doing !== 'reading' ? `query ${percent}%` : `${percent}%`]),
  ];
}
