import { createReadStream } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { PullContext, RawEntry, RawStore } from '../../core/ports/pulled-source.ts';
import type { Ask, Item } from './ask.ts';
import type { Asker, AskHooks } from './asker.ts';
import { type Body, keptBody, keptWhole } from './body.ts';
import { badBody } from './errors.ts';
import type { Answer } from './exchange.ts';
import { mayComeInParts, pageOf } from './large-page.ts';
import { Links } from './links.ts';
import type { HttpOptions } from './options.ts';
import type { Page } from './page.ts';
import type { ItemState } from './position.ts';

/** A page with what came along with it. */
export interface Fetched {
  readonly page: Page;
  readonly status: number;
  readonly link: string | undefined;
  readonly url: string;
  readonly etag: string | undefined;
  readonly modified: string | undefined;
  /** Hash of the kept response. */
  readonly raw: string | undefined;
}

/** What a page is asked for; goes into the head of the kept response, so that it can be taken again without asking. */
export interface PageQuestion {
  readonly ask: Ask;
  readonly item: Item;
  /** Since when the pass goes on; equal for all pages of a pass. */
  readonly started: string;
  /** Passes completed before it. */
  readonly polls: number;
  readonly page: number;
  /** What the cursor asked for; empty without one. */
  readonly since: string;
  readonly until: string | undefined;
  readonly known: ItemState;
  /** Whether an unchanged answer may be told from what the position knows: one response is all there is. */
  readonly single: boolean;
  /** Whether status 404 is the end. */
  readonly may_be_missing: boolean;
}

/** A kept answer about the past is as good as a new one for so long. */
const KEPT_MS_MAX = 86_400_000;

/** Brings one page, from the API or from what was kept of it. */
export class PageFetcher {
  readonly #options: HttpOptions;
  readonly #asker: Asker;
  readonly #raw: RawStore;
  readonly #context: PullContext;
  readonly #hooks: AskHooks;
  requests = 0;

  constructor(
    options: HttpOptions,
    asker: Asker,
    raw: RawStore,
    context: PullContext,
    beforeWait: () => Promise<void>,
  ) {
    this.#options = options;
    this.#asker = asker;
    this.#raw = raw;
    this.#context = context;
    this.#hooks = { signal: context.signal, note: (text) => context.note(text), beforeWait };
  }

  /** @returns undefined when the source says that nothing changed. */
  async fetch(question: PageQuestion): Promise<Fetched | undefined> {
    const kept = this.#options.keep_raw || this.#context.from_raw ? await this.#raw.find(question.ask.key) : undefined;
    if (this.#context.from_raw) return this.#again(question, kept);
    if (kept !== undefined && this.#isUnsealed(question, kept)) return this.#fromKept(question.item, kept);
    const validators = this.#validators(question, kept);
    const ask: Ask = { ...question.ask, ...this.#large(), headers: { ...question.ask.headers, ...validators } };
    const also = question.may_be_missing ? [404] : [];
    this.requests += 1;
    return this.#asker.ask(ask, this.#hooks, (answer) => this.#accepted(question, answer, kept), also);
  }

  /**
   * Whether a response was kept by a pass that was interrupted before the page was sealed: the pass says so, or it answers for a window of time
   * that was over and is not in the lake yet.
   */
  #isUnsealed({ started, until }: PageQuestion, { head, fetched_at }: RawEntry): boolean {
    if (head['pass'] === started) return true;
    return (
      until !== undefined && head['until'] === until && this.#context.now_ms - Date.parse(fetched_at) < KEPT_MS_MAX
    );
  }

  #large(): Pick<Ask, 'large_to'> {
    return mayComeInParts(this.#options) ? { large_to: this.#context.temp_folder } : {};
  }

  /** A page of a kept response. */
  async #fromKept(item: Item, entry: RawEntry): Promise<Fetched> {
    const body = await keptBody(this.#raw, entry, this.#large().large_to);
    return {
      ...(await fetched(
        this.#options,
        item,
        answerOf(this.#options, item, entry, body),
        entry.sha256,
        this.#context.signal,
      )),
      status: Number(entry.head['status']),
    };
  }

  async #again(question: PageQuestion, kept: RawEntry | undefined): Promise<Fetched> {
    if (kept !== undefined) return this.#fromKept(question.item, kept);
    throw new DataflowError(
      'E_SOURCE_LOST',
      `no response was kept for page ${question.page} (${question.ask.url.pathname})`,
      {
        hint: 'The API must be asked again: run without taking kept responses.',
      },
    );
  }

  async #accepted(question: PageQuestion, answer: Answer, kept: RawEntry | undefined): Promise<Fetched | undefined> {
    const { item } = question;
    if (answer.status === 304) {
      if (question.single && (question.known.etag ?? question.known.modified) !== undefined) return undefined;
      if (kept === undefined) throw badBody('it answers "not modified" (304) to a question without a condition');
      const { keep_raw, mode, cursor } = this.#options;
      if (keep_raw && (mode === 'append' || cursor !== undefined)) await this.#keepAgain(question, kept);
      return this.#fromKept(item, kept);
    }
    const empty = answer.status === 404 ? { ...answer, status: 204, body: Buffer.alloc(0) } : answer;
    // The page first: what is damaged is not kept.
    const result = await fetched(this.#options, item, empty, undefined, this.#context.signal);
    if (!this.#options.keep_raw) return { ...result, status: answer.status };
    const whole = answer.file === undefined ? answer.body : createReadStream(answer.file.path);
    const entry = await this.#raw.put(whole, {
      key: question.ask.key,
      fetched_at: new Date().toISOString(),
      head: headOf(this.#options, question, answer, this.#context.redact),
    });
    return { ...result, status: answer.status, raw: entry.sha256 };
  }

  /** An unchanged answer counts for this pass too; its bytes lie there already. */
  async #keepAgain({ started, polls, since, until }: PageQuestion, { key, head, ...kept }: RawEntry): Promise<void> {
    const about = { pass: started, polls: String(polls), since, ...(until === undefined ? {} : { until }) };
    const entry = { key, head, ...kept };
    await this.#raw.put(await keptWhole(this.#raw, entry), {
      key,
      fetched_at: new Date().toISOString(),
      head: { ...head, ...about },
    });
  }

  #validators({ known, single, ask }: PageQuestion, kept: RawEntry | undefined): Readonly<Record<string, string>> {
    if (ask.method !== 'GET') return {};
    const own = single && (known.etag ?? known.modified) !== undefined;
    const etag = own ? known.etag : kept?.head['etag'];
    const modified = own ? known.modified : kept?.head['last-modified'];
    return {
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
      ...(modified === undefined ? {} : { 'if-modified-since': modified }),
    };
  }
}

function headOf(
  options: HttpOptions,
  question: PageQuestion,
  { status, headers, url }: Answer,
  redact: PullContext['redact'],
): Record<string, string> {
  const links = new Links(options, question.item, redact);
  // A link that is not followed may stay away.
  const link = options.pages?.style === 'link' ? links.header(headers['link'], url, 'closed') : undefined;
  const head: Record<string, string> = {
    status: String(status),
    url: links.closed(url.href),
    ...(link === undefined ? {} : { link }),
    pass: question.started,
    polls: String(question.polls),
    page: String(question.page),
    item: JSON.stringify(question.item.values),
    since: question.since,
    ...(question.until === undefined ? {} : { until: question.until }),
  };
  for (const name of ['content-type', 'etag', 'last-modified']) {
    const value = headers[name];
    if (value !== undefined) head[name] = value;
  }
  return head;
}

/** The answer as it was when it was kept. */
export function answerOf(options: HttpOptions, item: Item, { head }: Pick<RawEntry, 'head'>, body: Body): Answer {
  const status = Number(head['status'] ?? 200);
  const links = new Links(options, item, undefined);
  const url = new URL(links.opened(head['url'] ?? '?'));
  const link = links.header(head['link'], url, 'opened');
  return {
    status: status === 404 ? 204 : status,
    headers: { ...head, ...(link === undefined ? {} : { link }) },
    ...body,
    url,
  };
}

async function fetched(
  options: HttpOptions,
  item: Item,
  answer: Answer,
  raw: string | undefined,
  signal: AbortSignal,
): Promise<Fetched> {
  return {
    page: await pageOf(options, item, answer, signal),
    status: answer.status,
    link: answer.headers['link'],
    url: answer.url.href,
    etag: answer.headers['etag'],
    modified: answer.headers['last-modified'],
    raw,
  };
}
