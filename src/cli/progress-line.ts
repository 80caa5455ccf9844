import { sizeText } from '../kit/units.ts';

/** How far a transfer is. */
export interface Transferred {
  readonly phase: string;
  readonly files: number;
  readonly files_total: number;
  readonly bytes: number;
  readonly bytes_total: number;
}

/** The terminal that a line is for. */
export interface LineWidth {
  readonly columns: number;
  /** No other signs than those of ASCII. */
  readonly ascii: boolean;
}

/** Of few lengths, so that it does not breathe with the words beside it. */
const BAR_SIGNS = [30, 20, 10] as const;
const BAR_SIGNS_MIN = 10;
/** Before that a rate says nothing. */
const RATE_AFTER_S = 0.5;

/** Share and what is done, the bar first: it stays where it is when the words change. Never longer than the line. */
export function shareLine(share: number, words: string, width: LineWidth): string {
  const percent = `${Math.round(share * 100)}%`.padStart(5);
  const room = width.columns - words.length - '[] '.length - percent.length - 1;
  return cut(`${bar(share, room, width)}${percent} ${words}`, width);
}

/**
 * Bytes, files, rate, and the time that is left, as far as they fit: on a narrow terminal the files go first, then the rate. While nothing moves it is
 * only said what goes on.
 */
export function transferLine(name: string, now: Transferred, moving_s: number, width: LineWidth): string {
  if (now.bytes_total === 0 || now.files_total === 0) return cut(`${name}: ${now.phase}`, width);
  const share = Math.min(1, now.bytes / now.bytes_total);
  const rate = now.bytes / moving_s;
  const done = `${sizeText(now.bytes)} of ${sizeText(now.bytes_total)}`;
  const files = `${now.files}/${now.files_total} ${now.files_total === 1 ? 'file' : 'files'}`;
  const known = now.bytes > 0 && moving_s >= RATE_AFTER_S;
  const speed = known ? [`${sizeText(rate)}/s`] : [];
  const left = known ? [leftText((now.bytes_total - now.bytes) / rate)] : [];
  const ways = [[done, files, ...speed, ...left], [done, ...speed, ...left], [done, ...left], [done]];
  const texts = ways.map((parts) => parts.join(width.ascii ? ', ' : ' · '));
  const room = (text: string): number => width.columns - name.length - ' [] '.length - text.length - 1;
  const text = texts.find((one) => room(one) >= BAR_SIGNS_MIN) ?? done;
  return cut(`${name} ${bar(share, room(text), width)} ${text}`, width);
}

function leftText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s left`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min left` : `${Math.ceil(minutes / 60)} h left`;
}

function bar(share: number, room: number, { ascii }: LineWidth): string {
  const signs = BAR_SIGNS.find((one) => one <= room) ?? BAR_SIGNS_MIN;
  const full = Math.round(share * signs);
  return `[${(ascii ? '#' : '█').repeat(full)}${(ascii ? '.' : '░').repeat(signs - full)}]`;
}

/** The last column stays free: some terminals begin another line there. */
function cut(text: string, { columns }: LineWidth): string {
  return text.slice(0, Math.max(1, columns - 1));
}
