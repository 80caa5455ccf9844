/** How a number with a date format is meant. */
export type DateKind = 'date' | 'datetime' | 'time' | 'elapsed';

const DAY_MS = 86_400_000;
/** Day 0 of the 1904 system, and of the 1900 system for days after its 29 February 1900, which never was. */
const EPOCH_1904 = Date.UTC(1904, 0, 1);
const EPOCH_1900 = Date.UTC(1899, 11, 30);
/** The last day that the format knows, 9999-12-31, in the 1900 system. */
const SERIAL_MAX = 2_958_465;

/** Number formats that are dates without a code of their own; those of East Asian versions too. */
function builtIn(id: number): DateKind | undefined {
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 54) || id >= 57)
    return 'date';
  if (id === 22) return 'datetime';
  if (id === 46) return 'elapsed';
  return (id >= 18 && id <= 21) || id === 45 || id === 47 || (id >= 32 && id <= 35) || id === 55 || id === 56
    ? 'time'
    : undefined;
}

/** What a number format makes of a number; undefined = it stays a number. */
export function dateKind(id: number, code: string | undefined): DateKind | undefined {
  if (code === undefined) return id >= 14 && id <= 58 ? builtIn(id) : undefined;
  const [first = ''] = code
    .replace(/"[^"]*"|\\.|_.|\*./g, '')
    .replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '')
    .replace(/AM\/PM|A\/P/gi, '')
    .split(';');
  if (/general/i.test(first)) return undefined;
  if (/\[[hms]+\]/i.test(first)) return 'elapsed';
  const clock = /[hs]/i.test(first);
  const day = /[yd]/i.test(first) || (!clock && /m/i.test(first));
  return day ? (clock ? 'datetime' : 'date') : clock ? 'time' : undefined;
}

/**
 * The text of a date, exact to the millisecond; undefined when the number is no day of the calendar. Nothing of it is lost: a date with a time of
 * day is written with it whatever its format shows.
 */
export function dateText(serial: number, kind: DateKind, from_1904: boolean): string | undefined {
  const ms = Math.round(serial * DAY_MS);
  if (serial < 0) return undefined;
  if (kind === 'elapsed') return clockText(ms);
  if (kind === 'time' && ms < DAY_MS) return clockText(ms);
  const day = dayText(Math.floor(ms / DAY_MS), from_1904);
  if (day === undefined) return undefined;
  const rest = ms % DAY_MS;
  return kind === 'date' && rest === 0 ? day : `${day} ${clockText(rest)}`;
}

function dayText(day: number, from_1904: boolean): string | undefined {
  if (day > SERIAL_MAX || (!from_1904 && day === 0)) return undefined;
  // The 1900 system counts a day that never was, so days before it are one later; the day itself is no date, and is rejected as one.
  if (!from_1904 && day === 60) return '1900-02-29';
  const epoch = from_1904 ? EPOCH_1904 : day < 60 ? EPOCH_1900 + DAY_MS : EPOCH_1900;
  return new Date(epoch + day * DAY_MS).toISOString().slice(0, 10);
}

function clockText(ms: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const rest = ms % 1000;
  const seconds = Math.floor(ms / 1000);
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return rest === 0 ? text : `${text}.${String(rest).padStart(3, '0')}`;
}
