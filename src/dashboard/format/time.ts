import { agesFormat, dateFormat } from './intl.ts';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** How long ago something was: `3 minutes ago`, `il y a 2 heures`. */
export function ageOf(instant: string, now_ms: number, language: string): string {
  const seconds = Math.max(0, (now_ms - Date.parse(instant)) / 1000);
  const words = agesFormat(language);
  if (seconds < MINUTE_S) return words.format(0, 'second');
  if (seconds < HOUR_S) return words.format(-Math.floor(seconds / MINUTE_S), 'minute');
  if (seconds < DAY_S) return words.format(-Math.floor(seconds / HOUR_S), 'hour');
  return words.format(-Math.floor(seconds / DAY_S), 'day');
}

/** An instant in the reader's own time zone. */
export function formattedInstant(instant: string, language: string): string {
  const time = new Date(instant);
  if (Number.isNaN(time.getTime())) return instant;
  return dateFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}

/** An instant along an axis, where neighbours tell the year. */
export function shortInstant(instant: string, language: string): string {
  const style: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  return dateFormat(language, style).format(new Date(instant));
}

/** A day, a month (`2024-03`) or a year as the language writes it; other texts as they are. */
export function formattedDate(text: string, language: string): string {
  const [, year = '', month, day] = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/.exec(text) ?? [];
  if (year === '' || month === undefined) return text;
  const time = Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1));
  const style: Intl.DateTimeFormatOptions =
    day === undefined ? { year: 'numeric', month: 'short' } : { year: 'numeric', month: 'short', day: 'numeric' };
  return dateFormat(language, { ...style, timeZone: 'UTC' }).format(time);
}
