import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAsk, itemOf } from '../../src/connectors/http/ask.ts';
import { Asker } from '../../src/connectors/http/asker.ts';
import type { HttpOptions } from '../../src/connectors/http/options.ts';
import { component } from '../../src/connectors/http/source.ts';
import { runShape } from '../../src/core/config/messages.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { Landing, PullContext } from '../../src/core/ports/pulled-source.ts';
import { openLandingPlace } from '../../src/landing/open-landing.ts';

/** Records of a page. */
export const RECORDS = 500;

/** What is asked for, and how. */
export interface Load {
  readonly url: string;
  readonly wait: number;
  readonly pages: number;
  /** How often a page has its records. */
  readonly times: number;
}

/** How far the pages are taken: from undici alone up to units on the disk. */
export type Way = 'alone' | 'asked' | 'cut' | 'landed' | 'parsed';

/** One pass over all pages; returns the bytes that came. */
export async function once(way: Way, folder: string, load: Load): Promise<number> {
  if (way === 'alone' || way === 'parsed') return await undiciAlone(load, way === 'parsed');
  const options = optionsOf(load);
  if (way === 'asked') return await askedOnly(options, load.pages);
  const place = join(folder, 'landing');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const { landing, bytes } = way === 'cut' ? nowhere() : await real(place);
  const source = await component.open(options, {} as never);
  await source.pull(landing, context(folder));
  await source.close();
  return bytes();
}

function optionsOf({ url, wait, times }: Load): HttpOptions {
  const pages = { style: 'page', size: RECORDS, has_more: '$.has_more' };
  return runShape(component.schema, { url, query: { wait, times }, records: '$.data', pages }).value as HttpOptions;
}

/** The client of the connector by itself: each question put together and signed in, the rules for going out, limits, retries; nobody looks at what comes. */
async function askedOnly(options: HttpOptions, pages: number): Promise<number> {
  const asker = new Asker(options);
  const { signal } = new AbortController();
  const hooks = { signal, note: () => undefined, beforeWait: async () => undefined };
  const item = itemOf({});
  let bytes = 0;
  for (let page = 1; page <= pages; page++) {
    const ask = buildAsk(options, item, { query: { page }, body: {} });
    bytes += await asker.ask(ask, hooks, ({ body }) => body.length);
  }
  await asker.close();
  return bytes;
}

async function undiciAlone({ url, wait, times, pages }: Load, parse: boolean): Promise<number> {
  const { Agent } = await import('undici');
  const agent = new Agent({ connections: 1 });
  let bytes = 0;
  let size = 0;
  for (let page = 1; page <= pages; page++) {
    const { body } = await agent.request({
      origin: new URL(url).origin,
      path: `/items?page=${page}&wait=${wait}&times=${times}`,
      method: 'GET',
    });
    const whole = Buffer.from(await body.arrayBuffer());
    bytes += whole.length;
    if (!parse) continue;
    for (const record of (JSON.parse(whole.toString('utf8')) as { data: unknown[] }).data)
      size += JSON.stringify(record).length;
  }
  await agent.close();
  if (parse && size === 0) throw new Error('nothing was parsed');
  return bytes;
}

function nowhere(): { readonly landing: Landing; readonly bytes: () => number } {
  let bytes = 0;
  const landing = {
    open: async () => {
      let size = 0;
      return {
        write: async (piece: Uint8Array) => {
          size += piece.length;
          bytes += piece.length;
        },
        unreadable: () => undefined,
        get size_bytes() {
          return size;
        },
        close: async () => undefined,
        abandon: async () => undefined,
      };
    },
    raw: undefined,
  } as unknown as Landing;
  return { landing, bytes: () => bytes };
}

async function real(folder: string): Promise<{ readonly landing: Landing; readonly bytes: () => number }> {
  const place = openLandingPlace({ state_folder: folder, source: 's', inspectors: {} as FormatInspectors });
  const open = await place.begin(null);
  return { landing: open.landing, bytes: () => open.units.reduce((sum, unit) => sum + unit.size_bytes, 0) };
}

function context(root: string): PullContext {
  return {
    name: 's',
    root,
    now_ms: Date.now(),
    signal: new AbortController().signal,
    temp_folder: root,
    position: undefined,
    expected: new Map(),
    limits: { records_max: 1e9, bytes_max: 1e12, wait_ms: 1 },
    from_raw: false,
    note: () => undefined,
  };
}
