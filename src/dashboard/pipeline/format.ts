import { dateFormat, numberFormat } from '../format/intl.ts';

/** `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`. */
export function durationText(ms: number | null, language: string): string {
  if (ms === null) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${numberText(Math.round(seconds * 10) / 10, language)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  const days = language === 'fr' ? 'j' : 'd';
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} ${days} ${hours % 24} h`;
}

export function numberText(value: number | null, language: string): string {
  return value === null ? '–' : numberFormat(language, { maximumFractionDigits: 1 }).format(value);
}

const UNITS = ['', 'k', 'M', 'G', 'T'];

/** In powers of 1000. */
export function sizeText(bytes: number | null, language: string): string {
  if (bytes === null) return '–';
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${numberText(bytes / 1000 ** power, language)} ${UNITS[power]}${language === 'fr' ? 'o' : 'B'}`;
}

export function moneyText(money: number | null, currency: string | null, language: string): string {
  if (money === null) return '–';
  const text = numberFormat(language, { maximumSignificantDigits: 3 }).format(money);
  return currency === null ? text : `${text} ${currency}`;
}

/** With seconds, in the reader's own time zone. */
export function momentText(instant: string | null, language: string): string {
  if (instant === null) return '–';
  return dateFormat(language, { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(instant));
}
