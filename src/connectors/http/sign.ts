import type { Ask } from './ask.ts';
import { AttemptFailed, badBody } from './errors.ts';
import type { Exchange, Signature } from './exchange.ts';
import type { AuthOptions } from './options-auth.ts';

const NOTHING: Signature = { headers: {}, query: {} };
/** A token is renewed so long before its end, or after nine tenths of its life if that is sooner. */
const EARLY_MS = 30_000;

interface Token {
  readonly text: string;
  readonly renew_at_ms: number;
}

/** Signs requests in. Tokens are fetched when they are first needed and renewed before they end, or when they are refused. */
export class Signer {
  readonly #auth: AuthOptions | undefined;
  readonly #exchange: Exchange;
  #token: Token | undefined;
  #fetching: Promise<Token> | undefined;

  /** The latest tokens: an API may repeat one in its refusal. */
  #given: readonly string[] = [];

  constructor(auth: AuthOptions | undefined, exchange: Exchange) {
    this.#auth = auth;
    this.#exchange = exchange;
  }

  /** Whether a refused token can be replaced. */
  get renews(): boolean {
    return this.#auth?.type === 'oauth2';
  }

  /** The next request fetches a new token. */
  forget(): void {
    this.#token = undefined;
  }

  /** What signs in to an address; nothing for any other origin than the configured ones. */
  async signature(signal: AbortSignal): Promise<(url: URL) => Signature> {
    const signature = await this.#signature(signal);
    return (url) => (this.#exchange.isOwn(url) ? signature : NOTHING);
  }

  /** The text without the tokens that were given out at run time; the configured secrets are masked where text is printed. */
  masked(text: string): string {
    return this.#given.reduce((masked, token) => masked.replaceAll(token, '***'), text);
  }

  async #signature(signal: AbortSignal): Promise<Signature> {
    const auth = this.#auth;
    if (auth === undefined) return NOTHING;
    if (auth.type === 'basic') return header('authorization', basic(auth.user ?? '', auth.password ?? ''));
    if (auth.type === 'bearer') return header('authorization', `Bearer ${auth.token ?? ''}`);
    if (auth.type === 'oauth2') return header('authorization', `Bearer ${await this.#current(auth, signal)}`);
    const [name, key] = [auth.name ?? '', auth.key ?? ''];
    return auth.in === 'query' ? { headers: {}, query: { [name]: key } } : header(name.toLowerCase(), key);
  }

  async #current(auth: AuthOptions, signal: AbortSignal): Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.renew_at_ms) return this.#token.text;
    // Requests under way beside each other need one token, not one each.
    this.#fetching ??= this.#fetch(auth, signal).finally(() => {
      this.#fetching = undefined;
    });
    this.#token = await this.#fetching;
    return this.#token.text;
  }

  async #fetch(auth: AuthOptions, signal: AbortSignal) {
    const asked_ms = Date.now();
    const { status, body } = await this.#exchange.send(tokenAsk(auth), () => NOTHING, signal);
    if (status === 429 || status >= 500)
      throw new AttemptFailed('status', `the token server answers with status ${status}`, { retry: true, status });
    if (status !== 200)
      throw new AttemptFailed('status', `the token server refuses the client (status ${status})`, {
        retry: false,
        status: 401,
      });
    const { access_token, expires_in } = parsed(body);
    if (typeof access_token !== 'string' || access_token === '' || /[\r\n\0]/.test(access_token))
      throw badBody('the token server gave no access_token');
    const life_ms = Number(expires_in ?? 300) * 1000 || 300_000;
    this.#given = [...this.#given.slice(-9), access_token];
    return { text: access_token, renew_at_ms: asked_ms + Math.max(life_ms * 0.9, life_ms - EARLY_MS) };
  }
}

function tokenAsk(auth: AuthOptions): Ask {
  const url = new URL(auth.token_url ?? '');
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (auth.scope !== undefined) form.set('scope', auth.scope);
  const [id, secret] = [auth.client_id ?? '', auth.client_secret ?? ''];
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    'user-agent': 'dataflow',
  };
  if (auth.client_auth === 'basic')
    headers['authorization'] = basic(encodeURIComponent(id), encodeURIComponent(secret));
  else {
    form.set('client_id', id);
    form.set('client_secret', secret);
  }
  return { method: 'POST', url, headers, body: form.toString(), key: '', confidential: true };
}

function parsed(body: Buffer): { readonly access_token?: unknown; readonly expires_in?: unknown } {
  try {
    return Object(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw badBody('the token server answered with something else than JSON', error);
  }
}

function header(name: string, value: string): Signature {
  return { headers: { [name]: value }, query: {} };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
