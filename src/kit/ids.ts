import { createHash, randomBytes } from 'node:crypto';

/**
 * An identifier that sorts by time and never collides on two machines: 10 characters of milliseconds and 10 random ones,
 * in Crockford's base 32 (as in ULID, without its monotonic rule).
 */
export function timeSortedId(now_ms: number = Date.now()): string {
  let head = '';
  for (let n = now_ms, i = 0; i < 10; i++, n = Math.floor(n / 32)) head = ALPHABET.charAt(n % 32) + head;
  let tail = '';
  for (const byte of randomBytes(10)) tail += ALPHABET.charAt(byte % 32);
  return head + tail;
}

/** When an identifier of {@link timeSortedId} was made. */
export function timeOfId(id: string): number {
  let time_ms = 0;
  for (const sign of id.slice(0, 10)) time_ms = time_ms * 32 + ALPHABET.indexOf(sign);
  return time_ms;
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Eight characters that stand for a text. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
