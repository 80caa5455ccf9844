import type { PullContext } from '../../core/ports/pulled-source.ts';
import { filled, type Item } from './ask.ts';
import { pagingFault } from './errors.ts';
import type { HttpOptions } from './options.ts';
import { nextLink, type PageState } from './paging.ts';

type Addressed = Pick<HttpOptions, 'url' | 'query' | 'auth'>;
type Redact = PullContext['redact'];

/**
 * Addresses as they are written down, in positions and beside kept responses: APIs repeat in a next link what they were asked with, secrets among
 * it. What the configuration says already is left to it, and filled in again when the link is followed.
 */
export class Links {
  readonly #base: URL;
  /** What the configuration puts into the query, by name. */
  readonly #own: ReadonlyMap<string, string>;
  readonly #signs: string | undefined;

  readonly #redact: Redact;

  constructor({ url, query, auth }: Addressed, item: Item, redact: Redact) {
    this.#redact = redact;
    this.#base = new URL(filled(url, item, encodeURIComponent));
    const values = Object.entries(query).map(([name, value]) => [name, filled(String(value), item, String)] as const);
    this.#own = new Map([...this.#base.searchParams, ...values]);
    this.#signs = auth?.in === 'query' ? auth.name : undefined;
  }

  /** Whether an address holds a secret of the project, in whatever place: an API may repeat one under another name. */
  holdsSecret(url: URL): boolean {
    return [url.search, ...new URLSearchParams(url.search).values(), url.pathname].some((part) => this.#isSecret(part));
  }

  #isSecret(text: string): boolean {
    return [text, decoded(text)].some((one) => (this.#redact?.(one) ?? one) !== one);
  }

  /**
   * Without what signs in, with placeholders for configured values, and without the address itself where it is the configured one. Parameters that hold
   * a secret go to no other host.
   * @throws DataflowError E_HTTP_PAGING when a secret would still stand there: it would be written down, and sent to who knows whom
   */
  closed(href: string): string {
    const url = new URL(href, this.#base);
    const own = url.origin === this.#base.origin;
    const query = mapped(url.search, (name, value, part) => {
      if (name === this.#signs) return undefined;
      if (own) return this.#own.get(name) === value ? `${part.split('=')[0]}=${OWN}` : part;
      return this.#isSecret(value) ? undefined : part;
    });
    const same = own && url.pathname === this.#base.pathname;
    if (this.holdsSecret(new URL(`${same ? '/' : url.pathname}${query}`, url.origin)))
      throw pagingFault(`a link to ${url.host} repeats a secret under a name of its own`, SECRET_HINT);
    return same ? query || '?' : `${url.origin}${url.pathname}${query}`;
  }

  /** As it is asked. */
  opened(link: string): string {
    const url = new URL(link, this.#base);
    if (url.origin !== this.#base.origin) return url.href;
    const query = mapped(url.search, (name, value, part) => {
      const known = value === OWN ? this.#own.get(name) : undefined;
      return known === undefined ? part : `${part.split('=')[0]}=${encodeURIComponent(known)}`;
    });
    return new URL(`${url.origin}${url.pathname}${query}`).href;
  }

  openedPage(page: PageState): PageState {
    return page.ask?.url === undefined ? page : { ...page, ask: { ...page.ask, url: this.opened(page.ask.url) } };
  }

  closedPage(page: PageState): PageState {
    return page.ask?.url === undefined ? page : { ...page, ask: { ...page.ask, url: this.closed(page.ask.url) } };
  }

  /** A `Link` header with nothing but the next address; undefined when it names none. */
  header(value: string | undefined, from: URL, way: 'closed' | 'opened'): string | undefined {
    const next = nextLink(value);
    if (next === undefined) return undefined;
    const base = way === 'closed' ? from : this.#base;
    return URL.canParse(next, base.href) ? `<${this[way](new URL(next, base).href)}>; rel="next"` : undefined;
  }
}

const OWN = '{own}';
const SECRET_HINT =
  'It would be written down with the position. Page by number, offset or cursor, or sign in by a header.';

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** The query piece by piece, so that what is kept keeps its notation and order: some links are signed. */
function mapped(search: string, change: (name: string, value: string, part: string) => string | undefined): string {
  const parts = search
    .slice(1)
    .split('&')
    .filter((part) => part !== '');
  const kept = parts.flatMap((part) => {
    const [[name, value] = ['', '']] = [...new URLSearchParams(part)];
    return change(name, value, part) ?? [];
  });
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}
