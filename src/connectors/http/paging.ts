import type { Parameters, Scalar } from './ask.ts';
import { pagingFault } from './errors.ts';
import type { PagesOptions } from './options-pages.ts';

/** Where a sequence of pages stands; plain JSON, part of the position. */
export interface PageState {
  /** Pages read so far. */
  readonly pages: number;
  /** Entries that the pages held, known ones and strays among them. */
  readonly records: number;
  /** Pages without records at the end so far. */
  readonly empty: number;
  /** Pages in a row that held nothing but known records. */
  readonly repeated: number;
  /** How to ask for the next page; undefined before the first and after the last. */
  readonly ask?: { readonly token?: string; readonly url?: string };
  readonly total?: number;
  readonly done?: true;
}

/** What a page says about the way on. */
export interface PageFacts {
  readonly status: number;
  readonly records: number;
  /** What stood among them and is no record. */
  readonly strays: number;
  /** How many of them earlier pages had. */
  readonly known: number;
  readonly next: string | undefined;
  readonly has_more: boolean | undefined;
  readonly total: number | undefined;
  readonly link: string | undefined;
  /** Where the page came from, for relative links. */
  readonly url: string;
}

export const FIRST_PAGE: PageState = { pages: 0, records: 0, empty: 0, repeated: 0 };

const DEFAULT_PARAM = { page: 'page', offset: 'offset', cursor: 'cursor', link: '' } as const;

/** The parameters of the next request. */
export function pageParameters(pages: PagesOptions | undefined, state: PageState): Parameters {
  if (pages === undefined) return { query: {}, body: {} };
  const { url, token } = state.ask ?? {};
  if (url !== undefined) return { query: {}, body: {}, url };
  const values: Record<string, Scalar> = {};
  const name = pages.param ?? DEFAULT_PARAM[pages.style];
  if (pages.style === 'page') values[name] = (pages.first ?? 1) + state.pages;
  if (pages.style === 'offset') values[name] = (pages.first ?? 0) + offsetOf(pages, state);
  if (pages.style === 'cursor' && token !== undefined) values[name] = token;
  if (pages.size !== undefined) values[pages.size_param] = pages.size;
  return pages.in === 'body' ? { query: {}, body: values } : { query: values, body: {} };
}

function offsetOf(pages: PagesOptions, state: PageState): number {
  return pages.size === undefined ? state.records : pages.size * state.pages;
}

/**
 * The state after a page. Ends where the source says so, else by the rule of `end`.
 * @throws DataflowError E_HTTP_PAGING when the pages go in a circle or beyond the budget.
 */
export function afterPage(pages: PagesOptions | undefined, state: PageState, facts: PageFacts): PageState {
  const entries = facts.records + facts.strays;
  const none = entries === 0;
  const next: PageState = {
    pages: state.pages + 1,
    records: state.records + entries,
    empty: none ? state.empty + 1 : 0,
    repeated: facts.records > 0 && facts.known === facts.records && state.pages > 0 ? state.repeated + 1 : 0,
    ...((facts.total ?? state.total) === undefined ? {} : { total: facts.total ?? state.total }),
  } as PageState;
  const done: PageState = { ...next, done: true };
  if (pages === undefined) return done;
  const way =
    pages.style === 'page' || pages.style === 'offset'
      ? counted(pages, next, facts)
      : followed(pages, state, next, facts);
  if (way === undefined) return done;
  if (next.repeated > 1)
    throw pagingFault(`page ${next.pages} holds the same records as the pages before it`, REPEATED_HINT);
  if (next.pages >= pages.max)
    throw pagingFault(`there are more than ${pages.max.toLocaleString('en')} pages (pages.max)`);
  return way;
}

const REPEATED_HINT =
  'Does the API know the parameter of `pages`? If it repeats its last page instead of ending, set `pages.end: repeated`.';

function counted(pages: PagesOptions, next: PageState, facts: PageFacts): PageState | undefined {
  if (facts.status === 404) return undefined;
  if (facts.has_more !== undefined) return facts.has_more && next.empty < pages.empty_max ? next : undefined;
  if (pages.end === 'repeated' && next.repeated > 0) return undefined;
  if (pages.end === 'short' && facts.records + facts.strays < (pages.size ?? 0)) return undefined;
  if (next.total !== undefined && reach(pages, next) >= next.total && next.empty === 0) return undefined;
  return next.empty >= pages.empty_max ? undefined : next;
}

/** How far the pages reach into the list, whatever the source left out of them. */
function reach(pages: PagesOptions, state: PageState): number {
  return pages.size === undefined ? state.records : Math.max(state.records, pages.size * state.pages);
}

function followed(pages: PagesOptions, state: PageState, next: PageState, facts: PageFacts): PageState | undefined {
  const target = pages.style === 'link' && pages.next === undefined ? facts.link : facts.next;
  if (facts.has_more === false || target === undefined || target === '') return undefined;
  if (next.empty >= pages.empty_max)
    throw pagingFault(
      `${next.empty} pages in a row hold no records, and each names a next one`,
      'If that is normal for this API, raise `pages.empty_max`.',
    );
  if (pages.style === 'cursor') {
    if (target === state.ask?.token)
      throw pagingFault(`page ${next.pages} names itself as the next one (the cursor repeats)`);
    return { ...next, ask: { token: target } };
  }
  if (!URL.canParse(target, facts.url)) throw pagingFault(`page ${next.pages} names a next one that is no address`);
  const url = new URL(target, facts.url).href;
  if (url === facts.url || url === state.ask?.url) throw pagingFault(`page ${next.pages} names itself as the next one`);
  return { ...next, ask: { url } };
}

/** The target of `rel="next"` in a `Link` header (RFC 8288). */
export function nextLink(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  for (const [, target, parameters] of header.matchAll(
    /<([^<>]*)>((?:\s*;\s*[\w*!#$&+.^`|~-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)/g,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i.exec(parameters ?? '');
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}

/** What to tell about a sequence whose end does not fit to what the source promised. */
export function totalRemark(state: PageState, first_total: number | undefined, known: number): string | undefined {
  const { total } = state;
  if (total !== undefined && first_total !== undefined && first_total !== total)
    return `the list changed while it was read (from ${first_total} to ${total} records): some may be missing until the next pull`;
  return shortfall(state, first_total, known);
}

/** What to tell when a list that stood still was not given in full. */
export function shortfall(
  { total, records }: PageState,
  first_total: number | undefined,
  known: number,
): string | undefined {
  if (total === undefined || (first_total !== undefined && first_total !== total)) return undefined;
  return records - known < total ? `the source speaks of ${total} records and gave ${records - known}` : undefined;
}

/** A whole copy that lacks records would take them out of the table. */
export const SHORTFALL_HINT =
  'Does the API give fewer records per page than `pages.size`, or the same record twice? If its total is not exact, leave out `pages.total`.';
