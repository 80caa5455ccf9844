/** What stands in the place of a secret. */
export const MASK = '***';

/** Shorter values are not searched for: masking every `a` would make messages unreadable and protect nothing. */
const SECRET_CHARS_MIN = 4;

/** The user part of a URL: everything between `//` and the last `@` before the path. */
const USERINFO = /([a-z][a-z0-9+.-]*:\/\/)([^\s/?#'"<>]+)@/gi;

/** A token among the parameters of an address such as `sc://host/;token=…`. */
const TOKEN_PARAMETER = /(;token=)[^;\s'"<>]+/gi;

/**
 * A function that masks secrets in any text: the given values, as they are and percent-encoded, as base64 and as they
 * look inside JSON, and the user part and the token of every URL. Works in one pass; longer secrets win over shorter ones inside them.
 */
export function redactor(secrets: Iterable<string>): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const form of formsOf(secret)) if (form.length >= SECRET_CHARS_MIN) forms.add(form);
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const values = longestFirst.length === 0 ? undefined : new RegExp(longestFirst.map(escapeRegExp).join('|'), 'g');
  return (text) => {
    const masked = values === undefined ? text : text.replace(values, MASK);
    if (!masked.includes('://')) return masked;
    return masked.replace(USERINFO, `$1${MASK}@`).replace(TOKEN_PARAMETER, `$1${MASK}`);
  };
}

function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.trim().length >= 8);
  const plain = [secret, secret.trim(), ...(lines.length > 1 ? lines : [])];
  return plain.flatMap((text) => [
    text,
    encodeSafely(text),
    JSON.stringify(text).slice(1, -1),
    Buffer.from(text).toString('base64'),
  ]);
}

function encodeSafely(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text; // a lone surrogate has no percent-encoding
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A user part without a password is a token where it looks like one; a name such as `reader` is also a word of messages. */
const TOKEN = /^(?=.*\d)(?=.*[a-z]).{16,}$|^.{32,}$/is;

/** The password (or the lone user part that looks like a token) of a URL in `text`, decoded; undefined when there is none. */
export function urlPassword(text: string): string | undefined {
  const userinfo = /^[a-z][a-z0-9+.-]*:\/\/([^\s/?#]+)@/i.exec(text)?.[1];
  if (userinfo === undefined) return undefined;
  const colon = userinfo.indexOf(':');
  const password = colon < 0 ? userinfo : userinfo.slice(colon + 1);
  if (colon < 0 && !TOKEN.test(password)) return undefined;
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}
