import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `SHA256:…` as OpenSSH prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** True when `stated`, a fingerprint or a key, with or without its type, is that of `key`. */
export function isStatedKey(stated: string, key: Buffer): boolean {
  if (stated.startsWith('SHA256:')) return stated.replace(/=+$/, '') === fingerprintOf(key);
  const text = stated.slice(stated.lastIndexOf(' ') + 1);
  return same(Buffer.from(text, 'base64'), key);
}

/** What a file of known keys says of a host's key. */
export type KnownKey = 'known' | 'unknown' | 'other' | 'revoked';

/** Looks a host up in the text of a known_hosts file: plain and hashed names, patterns, other ports. */
export function lookUpKey(text: string, host: string, port: number, key: Buffer): KnownKey {
  const name = port === 22 ? host : `[${host}]:${port}`;
  let found: KnownKey = 'unknown';
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[0] === undefined || words[0] === '' || words[0].startsWith('#')) continue;
    const marker = words[0].startsWith('@') ? words.shift() : undefined;
    const [names = '', , base64 = ''] = words;
    if (marker === '@cert-authority' || !matches(names, name)) continue;
    const equal = same(Buffer.from(base64, 'base64'), key);
    if (marker === '@revoked') {
      if (equal) return 'revoked';
    } else if (equal) found = 'known';
    else if (found === 'unknown') found = 'other';
  }
  return found;
}

function matches(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = names.split('|');
    const expected = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
    return same(Buffer.from(hash, 'base64'), expected);
  }
  const patterns = names.split(',');
  const hit = (pattern: string): boolean =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      'i',
    ).test(name);
  if (patterns.some((pattern) => pattern.startsWith('!') && hit(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && hit(pattern));
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}
