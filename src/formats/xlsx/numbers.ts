const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WHOLE = /^-?(0|[1-9]\d{0,17})$/;
/** A double is told from all others by so many digits. */
const DOUBLE_DIGITS = 17;

/**
 * A stored number as JSON; undefined when it is none. Whole numbers stand as they are stored. The format's numbers are doubles, which programs
 * write with up to 17 digits (19.989999999999998 where 19.99 was typed), so a fraction is written as the shortest text that is the same double.
 * More digits than a double has are kept as text, which the engine casts exactly.
 */
export function numberToken(stored: string): string | undefined {
  const text = stored.trim();
  if (WHOLE.test(text)) return text;
  if (!NUMBER.test(text)) return undefined;
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[^\d]/g, '')
    .replace(/^0+/, '');
  const value = Number(text);
  const fits = digits.length <= DOUBLE_DIGITS && Number.isFinite(value) && Math.abs(value) < 1e18;
  if (!fits || (value === 0 && /[1-9]/.test(digits))) return JSON.stringify(text.replace(/^\+/, ''));
  return String(value);
}
