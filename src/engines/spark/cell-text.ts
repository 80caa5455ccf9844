const DAY_MS = 86_400_000;
const TWO_32 = 2 ** 32;

/** `2024-02-29`; the date of so many days after 1970-01-01. */
export function dateText(days: number): string {
  const date = new Date(days * DAY_MS);
  const year = date.getUTCFullYear();
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0');
  const rest = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  return `${shown}-${rest}${year > 0 ? '' : ' (BC)'}`;
}

/** `2024-02-29T12:00:00.000001` of microseconds since 1970; of the fraction only what is there. */
export function timestampText(micros: bigint): string {
  // Whole seconds first: all that is left fits into a number.
  let seconds = Number(micros / 1_000_000n);
  let fraction = Number(micros % 1_000_000n);
  if (fraction < 0) {
    fraction += 1_000_000;
    seconds -= 1;
  }
  const days = Math.floor(seconds / 86_400);
  const second = seconds - days * 86_400;
  const time = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${dateText(days)}T${time}${digits}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** The exact text of a 128-bit decimal, four words from the lowest on. */
export function decimalText(words: Uint32Array, at: number, scale: number): string {
  const unscaled = integer128(words, at);
  const negative = unscaled < 0;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`;
}

/** As a number where it fits, which is most of the time and much faster. */
function integer128(words: Uint32Array, at: number): number | bigint {
  const [a = 0, b = 0, c = 0, d = 0] = [words[at], words[at + 1], words[at + 2], words[at + 3]];
  if (c === 0 && d === 0 && b < 1 << 21) return a + b * TWO_32;
  const high = (BigInt(d) << 32n) | BigInt(c);
  return (BigInt.asIntN(64, high) << 64n) | (BigInt(b) << 32n) | BigInt(a);
}

const PLAIN_BYTE = /^[ !#-&(-[\]-~]$/;

/** Bytes as text: plain characters as they are, all others (quotes and the backslash too) as `\x0A`. */
export function binaryText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const sign = String.fromCharCode(byte);
    text += PLAIN_BYTE.test(sign) ? sign : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
