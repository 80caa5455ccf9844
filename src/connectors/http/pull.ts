import type { Landing, PullContext, PullResult } from '../../core/ports/pulled-source.ts';
import { buildAsk, type Item } from './ask.ts';
import type { Asker } from './asker.ts';
import { Changes } from './changes.ts';
import { nextStretch, type Stretch, withStretch } from './cursor.ts';
import { pagingFault } from './errors.ts';
import { type Fetched, PageFetcher } from './fetch-page.ts';
import { Links } from './links.ts';
import type { HttpOptions } from './options.ts';
import { Overlap } from './overlap.ts';
import { flatten, recordsOf, straysOf } from './page.ts';
import { afterPage, nextLink, pageParameters, SHORTFALL_HINT, shortfall, totalRemark } from './paging.ts';
import {
  asksOf,
  type HttpPosition,
  type ItemState,
  isTooSoon,
  newPass,
  type PassState,
  readPosition,
  underOptions,
  writePosition,
} from './position.ts';
import { Units } from './units.ts';

/**
 * One pull: each item in turn, each of its windows, each page. After every page the position says how to go on; it is made durable with the
 * unit that holds the page. The pages taken so far are sealed before a long wait and when something fails.
 */
export class Pull {
  readonly #options: HttpOptions;
  readonly #items: readonly Item[];
  readonly #context: PullContext;
  readonly #units: Units;
  readonly #fetcher: PageFetcher;
  readonly #begun: HttpPosition;
  #state: HttpPosition;
  /** The sequence that is being read. */
  #sequence: Sequence | undefined;
  readonly #asks: string;
  #unchanged = 0;

  constructor(options: HttpOptions, items: readonly Item[], asker: Asker, landing: Landing, context: PullContext) {
    this.#options = options;
    this.#items = items;
    this.#context = context;
    this.#units = new Units(landing);
    this.#begun = readPosition(context.position);
    this.#asks = asksOf(options);
    this.#state = underOptions(this.#begun, this.#asks);
    this.#fetcher = new PageFetcher(options, asker, landing.raw, context, () => this.#seal());
  }

  async run(): Promise<PullResult> {
    if (isTooSoon(this.#options, this.#begun, this.#context.now_ms))
      return { caught_up: true, position: writePosition(this.#begun), unchanged: true };
    try {
      const at = this.#items.findIndex(({ key }) => key === this.#state.pass?.item);
      for (const item of this.#items.slice(Math.max(0, at))) {
        if (await this.#takeItem(item)) continue;
        await this.#seal();
        return { caught_up: false, position: writePosition(this.#position()) };
      }
      return await this.#finish();
    } catch (error) {
      // What came before the fault is whole and need not be asked for again.
      await this.#seal().catch(() => this.#units.abandon());
      throw error;
    }
  }

  async #finish(): Promise<PullResult> {
    const asked = this.#sequence !== undefined;
    this.#sequence = undefined;
    if (!asked) return { caught_up: true, position: writePosition(this.#begun), unchanged: true };
    const taken = this.#units.records > 0 || this.#begun.pass !== undefined;
    if (!taken && this.#unchanged > 0 && this.#unchanged === this.#items.length)
      return { caught_up: true, position: writePosition({ ...this.#begun, ...this.#asked() }), unchanged: true };
    const { pass: _, ...rest } = { ...this.#state, ...this.#asked() };
    this.#state = { ...rest, polls: rest.polls + 1 };
    await this.#seal();
    return { caught_up: true, position: writePosition(this.#state) };
  }

  #asked(): Pick<HttpPosition, 'asked'> {
    return this.#options.every === undefined ? {} : { asked: new Date(this.#context.now_ms).toISOString() };
  }

  /** False when the limits of the pull are reached before the item's end. */
  async #takeItem(item: Item): Promise<boolean> {
    const { cursor } = this.#options;
    for (;;) {
      const known = this.#state.items[item.key] ?? {};
      const stretch = nextStretch(cursor, known, this.#context.now_ms);
      if (stretch === undefined) return true;
      if (this.#isFull()) return false;
      const sequence = this.#begin(item, known, stretch);
      while (sequence.pass.page.done !== true) {
        if (sequence.taken > 0 && this.#isFull()) return false;
        await this.#takePage(sequence);
      }
      // The last unit of a pass is left to its end: sealed here, it would say that the pass goes on.
      if (this.#endSequence(sequence) && this.#units.due) await this.#seal();
      if (cursor?.window === undefined) return true;
    }
  }

  #begin(item: Item, known: ItemState, stretch: Stretch): Sequence {
    const { pass: current } = this.#state;
    const started = current?.started ?? new Date(this.#context.now_ms).toISOString();
    const pass = current?.item === item.key ? current : newPass(started, this.#asks, item.key);
    const { cursor, key } = this.#options;
    this.#sequence = {
      item,
      known,
      stretch,
      pass,
      links: new Links(this.#options, item, this.#context.redact),
      taken: 0,
      asked: new Set(),
      overlap: new Overlap(key === undefined ? [] : [key].flat(), pass.tail),
      changes: cursor?.field === undefined ? undefined : new Changes(cursor, known, pass),
    };
    return this.#sequence;
  }

  async #takePage(sequence: Sequence): Promise<void> {
    const { pages } = this.#options;
    const { item, stretch, pass, known } = sequence;
    const parameters = withStretch(this.#options, stretch, pageParameters(pages, sequence.links.openedPage(pass.page)));
    const { links } = sequence;
    const ask = { ...buildAsk(this.#options, item, parameters), holdsSecret: (url: URL) => links.holdsSecret(url) };
    const number = pass.page.pages + 1;
    if (sequence.asked.has(ask.key))
      throw pagingFault(`page ${number} would be asked for like an earlier one: the pages go in a circle`);
    sequence.asked.add(ask.key);
    const fetched = await this.#fetcher.fetch({
      ask,
      item,
      known,
      started: pass.started,
      polls: this.#state.polls,
      page: number,
      since: JSON.stringify(stretch.parameters),
      until: stretch.until,
      single:
        pages === undefined && this.#options.cursor === undefined && (this.#items.length === 1 || this.#appends()),
      may_be_missing: pages?.end === 'not_found' && number > 1,
    });
    if (fetched === undefined) {
      this.#unchanged += 1;
      sequence.pass = { ...pass, page: { ...pass.page, pages: number, done: true } };
      return;
    }
    await this.#land(sequence, fetched, number);
    if (pages === undefined && this.#options.cursor === undefined) this.#remember(sequence, fetched);
  }

  /** Puts the records of a page into a unit and moves on by one page. */
  async #land(sequence: Sequence, fetched: Fetched, number: number): Promise<void> {
    const { page } = fetched;
    const { pages } = this.#options;
    const { pass, changes } = sequence;
    flatten(page);
    const again = pages === undefined ? [] : sequence.overlap.known(page);
    const dropped = union(again, changes?.known(page) ?? []);
    const after = afterPage(pages, sequence.links.openedPage(pass.page), {
      status: fetched.status,
      records: recordsOf(page),
      strays: straysOf(page),
      known: again.length,
      next: page.next,
      has_more: page.has_more,
      total: page.total,
      link: nextLink(fetched.link),
      url: fetched.url,
    });
    const next = sequence.links.closedPage(after);
    // Before the page is written: its unit must not hold what another layout has.
    if (this.#units.isOther(page)) await this.#seal();
    const name = `page-${String(number).padStart(6, '0')}`;
    await this.#units.add(name, this.#label(sequence, number), page, dropped, fetched.raw);
    const total = pass.total ?? page.total;
    sequence.pass = {
      ...pass,
      page: next,
      known: pass.known + again.length,
      ...(total === undefined ? {} : { total }),
    };
    sequence.taken += 1;
    if (next.done === true) this.#refuseShort(sequence);
    if (next.done === true) this.#remark(sequence);
    // With the last page goes what the end of the sequence changes in the position.
    if (next.done !== true && this.#units.due) await this.#seal();
  }

  /** Names a page for people; several sequences may stand in one unit. */
  #label({ item, stretch }: Sequence, number: number): string {
    const request = this.#items.length > 1 ? `request ${this.#items.indexOf(item) + 1} ` : '';
    const window = stretch.until === undefined ? '' : `window up to ${stretch.until} `;
    return `${request}${window}page ${number}`;
  }

  /** A whole copy replaces the table, so it must be whole. The pass is given up: going on from its last page would not mend it. */
  #refuseShort(sequence: Sequence): void {
    const { page, total, known } = sequence.pass;
    const missing = this.#appends() ? undefined : shortfall(page, total, known);
    if (missing === undefined) return;
    const { done: _, ...open } = page;
    sequence.pass = { ...sequence.pass, asks: '', page: open };
    throw pagingFault(missing, SHORTFALL_HINT);
  }

  #remark({ pass, changes }: Sequence): void {
    if (pass.known > 0) this.#context.note(`${pass.known} records stood on two pages and were taken once`);
    const remark = totalRemark(pass.page, pass.total, pass.known);
    if (remark !== undefined) this.#context.note(remark);
    if (changes?.crowded === true)
      this.#context.note(
        'more than 10,000 records lie within cursor.overlap: some of them will be taken again; give silver a key',
      );
  }

  /** With one response per item: what it takes to ask whether it changed. */
  #remember({ item }: Sequence, { etag, modified }: Fetched): void {
    const { [item.key]: _, ...others } = this.#state.items;
    const state = { ...(etag === undefined ? {} : { etag }), ...(modified === undefined ? {} : { modified }) };
    const items = Object.keys(state).length === 0 ? others : { ...others, [item.key]: state };
    this.#state = { ...this.#state, items };
  }

  /** The item's own position moves on, and the next item's pass begins. False when there is nothing more to ask for. */
  #endSequence({ item, stretch, changes, pass }: Sequence): boolean {
    const before = this.#state.items[item.key] ?? {};
    let after: ItemState = before;
    if (stretch.until !== undefined) after = { ...before, since: stretch.until };
    if (changes !== undefined) {
      const { high, seen } = changes.state();
      after = { ...before, ...(high === undefined ? {} : { since: high }), seen };
    }
    const items = Object.keys(after).length === 0 ? this.#state.items : { ...this.#state.items, [item.key]: after };
    const next = this.#items.indexOf(item) + (stretch.until === undefined ? 1 : 0);
    const { cursor } = this.#options;
    const following = this.#items
      .slice(next)
      .find(({ key }) => nextStretch(cursor, items[key] ?? {}, this.#context.now_ms) !== undefined);
    this.#state = { ...this.#state, items };
    if (following === undefined) return false;
    this.#state = { ...this.#state, pass: newPass(pass.started, this.#asks, following.key) };
    return true;
  }

  /** What has been taken up to now, so that another run can go on from here. */
  #position(): HttpPosition {
    const { pass, changes, overlap } = this.#sequence ?? {};
    if (pass === undefined || pass.page.done === true || pass.page.pages === 0 || overlap === undefined)
      return this.#state;
    return { ...this.#state, pass: { ...pass, tail: overlap.tail(), ...changes?.state() } };
  }

  async #seal(): Promise<void> {
    await this.#units.seal(writePosition(this.#position()));
  }

  #isFull(): boolean {
    const { records_max, bytes_max } = this.#context.limits;
    return this.#units.records >= records_max || this.#units.taken_bytes >= bytes_max;
  }

  #appends(): boolean {
    return this.#options.mode === 'append' || this.#options.cursor !== undefined;
  }
}

/** One item and stretch while its pages are read. */
interface Sequence {
  readonly item: Item;
  readonly known: ItemState;
  readonly stretch: Stretch;
  pass: PassState;
  readonly links: Links;
  /** Pages taken in this pull. */
  taken: number;
  /** Questions asked in this pull, to notice a circle. */
  readonly asked: Set<string>;
  readonly overlap: Overlap;
  readonly changes: Changes | undefined;
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  return b.length === 0 ? a : [...new Set([...a, ...b])].sort((x, y) => x - y);
}
