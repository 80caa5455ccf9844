import { DataflowError } from '../errors/dataflow-error.ts';

/** What the windows of a backfill are cut by. */
export type WindowKind = 'date' | 'timestamp' | 'timestamptz' | 'number';

/** One window: `from` belongs to it, `to` does not. Texts as the engine reads them: `2025-03-01`, `2025-03-01 12:00:00`, `1000`. */
export interface Window {
  readonly from: string;
  readonly to: string;
}

/** More windows than this are a slip of the pen. */
const WINDOWS_MAX = 10_000;

const UNITS = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
type Unit = (typeof UNITS)[number];

const SHORT: Readonly<Record<string, Unit>> = { h: 'hour', d: 'day', w: 'week', mo: 'month', q: 'quarter', y: 'year' };

/** By what a column can be cut into windows; undefined for types that have no steps (text, decimals, booleans). */
export function windowKind(type: string): WindowKind | undefined {
  if (type === 'date' || type === 'timestamptz') return type;
  if (/^timestamp(_\w+)?$/.test(type)) return 'timestamp';
  return /^(tinyint|smallint|integer|bigint)$/.test(type) ? 'number' : undefined;
}

/**
 * Cuts `[from, to)` into windows; the last one may be shorter. Times are UTC.
 * @throws DataflowError E_USAGE for what cannot be read or is empty.
 */
export function planWindows(kind: WindowKind, from: string, to: string, window: string): readonly Window[] {
  const step = kind === 'number' ? numberSteps(from, to, window) : timeSteps(kind, from, to, window);
  if (!(step.at(0) < step.end)) throw usage(`--from ${from} does not lie before --to ${to}`);
  const windows: Window[] = [];
  for (let i = 0; step.at(i) < step.end; i++) {
    if (windows.length === WINDOWS_MAX)
      throw usage(`windows of ${window} from ${from} to ${to} would be more than ${WINDOWS_MAX}`);
    windows.push({ from: step.shown(step.at(i)), to: step.shown(Math.min(step.at(i + 1), step.end)) });
  }
  return windows;
}

/** `7d` as `7 days`: what messages and the ledger show. */
export function windowWords(window: string): string {
  const found = spanOf(window);
  return found === undefined ? window.trim() : `${found.count} ${found.unit}${found.count === 1 ? '' : 's'}`;
}

interface Steps {
  at(index: number): number;
  readonly end: number;
  shown(value: number): string;
}

function numberSteps(from: string, to: string, window: string): Steps {
  const [start, end, width] = [from, to, window].map((text) =>
    /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN,
  );
  if (
    start === undefined ||
    end === undefined ||
    width === undefined ||
    ![start, end, width].every(Number.isSafeInteger)
  )
    throw usage('the column holds whole numbers: --from, --to and --window want whole numbers');
  if (width < 1) throw usage('--window wants a number above 0');
  return { at: (index) => start + index * width, end, shown: String };
}

function timeSteps(kind: WindowKind, from: string, to: string, window: string): Steps {
  const [start, end] = [instant(from, '--from'), instant(to, '--to')];
  const span = spanOf(window);
  if (span === undefined)
    throw usage(
      `--window wants a number and one of ${UNITS.join(', ')}, not "${window}"`,
      'Examples: 1 month, 7d, 12h.',
    );
  const days_only = kind === 'date' && (span.unit === 'hour' || start % DAY_MS !== 0 || end % DAY_MS !== 0);
  if (days_only) throw usage('the column holds dates: windows begin and end with whole days');
  const shown = (ms: number): string => {
    const iso = new Date(ms).toISOString();
    return kind === 'date'
      ? iso.slice(0, 10)
      : `${iso.slice(0, 19).replace('T', ' ')}${kind === 'timestamptz' ? '+00' : ''}`;
  };
  return { at: (index) => advanced(start, span.unit, span.count * index), end, shown };
}

const DAY_MS = 86_400_000;
const FIXED_MS: Readonly<Partial<Record<Unit, number>>> = { hour: 3_600_000, day: DAY_MS, week: 7 * DAY_MS };
const MONTHS: Readonly<Partial<Record<Unit, number>>> = { month: 1, quarter: 3, year: 12 };

/** Months keep the day of the start; where a month has none such, its last day. */
function advanced(start_ms: number, unit: Unit, count: number): number {
  const fixed = FIXED_MS[unit];
  if (fixed !== undefined) return start_ms + count * fixed;
  const start = new Date(start_ms);
  const months = start.getUTCFullYear() * 12 + start.getUTCMonth() + count * (MONTHS[unit] ?? 1);
  const [year, month] = [Math.floor(months / 12), months % 12];
  const last_day = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(start.getUTCDate(), last_day)) + (start_ms % DAY_MS);
}

function spanOf(window: string): { readonly count: number; readonly unit: Unit } | undefined {
  const match = /^(\d{1,6})\s*([a-z]+)$/i.exec(window.trim());
  const name = match?.[2]?.toLowerCase() ?? '';
  const unit = SHORT[name] ?? UNITS.find((one) => one === name || `${one}s` === name);
  const count = Number(match?.[1] ?? 0);
  return unit === undefined || count < 1 ? undefined : { count, unit };
}

const INSTANT = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?Z?)?)?)?$/;

function instant(text: string, flag: string): number {
  const match = INSTANT.exec(text.trim());
  const [year, month = '01', day = '01', hour = '00', minute = '00', second = '00'] = (match ?? []).slice(1);
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(iso);
  // A day that the month does not have would be taken for one of the next month.
  if (match === null || Number.isNaN(ms) || new Date(ms).toISOString() !== iso)
    throw usage(
      `${flag} wants a date or time in UTC, not "${text}"`,
      'Examples: 2025, 2025-03, 2025-03-01, 2025-03-01T12:00.',
    );
  return ms;
}

function usage(message: string, hint?: string): DataflowError {
  return new DataflowError('E_USAGE', message, hint === undefined ? {} : { hint });
}
