import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HttpOptions } from './options.ts';

/** What a request is made of. */
type AskOptions = Pick<HttpOptions, 'url' | 'query' | 'method' | 'headers' | 'body' | 'format'>;

export type Scalar = string | number | boolean;

/** One of `for_each`, or the only one there is. */
export interface Item {
  /** Names the item in positions; empty for the only one. */
  readonly key: string;
  readonly values: Readonly<Record<string, Scalar>>;
}

/** Parameters that change from request to request: page, window. */
export interface Parameters {
  readonly query: Readonly<Record<string, Scalar>>;
  readonly body: Readonly<Record<string, Scalar>>;
  /** Asked instead of the configured address: a next link. */
  readonly url?: string;
}

/** A request, without what signs it in. */
export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The same question has the same key: a digest, for it is written down and what is asked may hold secrets. What signs in is no part of it. */
  readonly key: string;
  /** Whether an address to which it is redirected holds a secret: nobody else is asked there. */
  readonly holdsSecret?: (url: URL) => boolean;
  /** Folder for an answer that is too large to be held in memory; absent: it is held all the same. */
  readonly large_to?: string;
  /** The body signs in: it goes to no other origin. */
  readonly confidential?: true;
}

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** The request for an item with these parameters. */
export function buildAsk(options: AskOptions, item: Item, parameters: Parameters): Ask {
  const url = new URL(parameters.url ?? filled(options.url, item, encodeURIComponent));
  if (parameters.url === undefined) {
    for (const [name, value] of Object.entries(options.query))
      url.searchParams.set(name, filled(String(value), item, String));
  }
  for (const [name, value] of Object.entries(parameters.query)) url.searchParams.set(name, String(value));
  const body = bodyOf(options, item, parameters.body);
  const headers: Record<string, string> = {
    accept: ACCEPT[options.format],
    'accept-encoding': 'gzip, br',
    'user-agent': 'dataflow',
  };
  if (body !== undefined && typeof options.body !== 'string') headers['content-type'] = 'application/json';
  for (const [name, value] of Object.entries(options.headers))
    headers[name.toLowerCase()] = filled(value, item, String);
  const own = Object.keys(options.headers).map((name) => [name.toLowerCase(), headers[name.toLowerCase()]]);
  const asked = JSON.stringify([url.href, body ?? null, own, item.key]);
  const key = `${options.method} ${createHash('sha256').update(asked).digest('base64url')}`;
  return { method: options.method, url, headers, body, key };
}

const ACCEPT = {
  json: 'application/json, */*;q=0.5',
  ndjson: 'application/x-ndjson, */*;q=0.5',
  csv: 'text/csv, */*;q=0.5',
} as const;

function bodyOf(options: AskOptions, item: Item, more: Parameters['body']): string | undefined {
  if (options.method !== 'POST') return undefined;
  if (typeof options.body === 'string') return filled(options.body, item, String);
  const extra = Object.keys(more).length > 0;
  if (options.body === undefined && !extra) return undefined;
  return JSON.stringify({ ...(filledDeep(options.body ?? {}, item) as object), ...more });
}

/** Names of the placeholders in texts, maps and lists of such, each once, in order. */
export function placeholdersIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [...new Set([...value.matchAll(PLACEHOLDER)].map(([, name]) => name ?? ''))];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(placeholdersIn))];
}

/** `{name}` replaced by the item's value. */
export function filled(text: string, item: Item, encode: (value: string) => string): string {
  return text.replace(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(item.values, name) ? encode(String(item.values[name])) : whole,
  );
}

/** A text that is nothing but `{name}` keeps the value's type. */
function filledDeep(value: unknown, item: Item): unknown {
  if (typeof value === 'string') return itemValue(value, item) ?? filled(value, item, String);
  if (Array.isArray(value)) return value.map((one) => filledDeep(one, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filledDeep(one, item)]));
}

/** The value that `{name}` alone stands for. */
export function itemValue(text: string, item: Item): Scalar | undefined {
  const name = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1];
  return name !== undefined && Object.hasOwn(item.values, name) ? item.values[name] : undefined;
}

/** The items with their keys. @throws DataflowError E_CONFIG_INVALID for two that are the same, or a placeholder that none of them has. */
export function itemsOf(
  options: HttpOptions,
  list: readonly Readonly<Record<string, Scalar>>[] | undefined,
): readonly Item[] {
  const items = list === undefined ? [itemOf({})] : list.map(itemOf);
  const keys = new Set<string>();
  for (const item of items) {
    if (keys.has(item.key))
      throw new DataflowError('E_CONFIG_INVALID', `for_each has the same entry twice: ${JSON.stringify(item.values)}`);
    keys.add(item.key);
    const texts = [
      options.url,
      ...Object.values(options.query),
      ...Object.values(options.headers),
      ...Object.values(options.add),
    ];
    for (const text of texts) checkPlaceholders(String(text), item);
  }
  return items;
}

function checkPlaceholders(text: string, item: Item): void {
  for (const [whole, name] of text.matchAll(PLACEHOLDER)) {
    if (Object.hasOwn(item.values, name ?? '')) continue;
    const names = Object.keys(item.values).join(', ');
    throw new DataflowError('E_CONFIG_INVALID', `${whole} in ${JSON.stringify(text)} stands for nothing`, {
      hint: names === '' ? 'Give its values in `for_each`.' : `for_each has ${names}.`,
    });
  }
}

/** The only item, or one of many. */
export function itemOf(values: Item['values']): Item {
  return { key: Object.keys(values).length === 0 ? '' : itemKey(values), values };
}

/** Short, so that thousands fit into a position; the order of the names does not matter. */
function itemKey(values: Readonly<Record<string, Scalar>>): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 16);
}
