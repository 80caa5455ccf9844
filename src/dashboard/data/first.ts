import { keptToken } from './token.ts';

/** What every page asks first. */
export const FIRST = '/api/v1/dashboard';

/** As every question is put: the token of this tab, if there is one. */
export function headersOf(accept: string): Record<string, string> {
  const token = keptToken();
  return { accept, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
}

let early: Promise<Response> | undefined;

/** Asks while the program itself is still on its way. */
export function askFirst(): void {
  early = fetch(FIRST, { headers: headersOf('application/json') });
  // Whoever takes it hears of it.
  early.catch(() => {});
}

/** The answer that is on its way, for the first who asks this; undefined for all others. */
export function takeFirst(path: string): Promise<Response> | undefined {
  if (path !== FIRST) return undefined;
  const taken = early;
  early = undefined;
  return taken;
}
