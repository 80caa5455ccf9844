import type { Landing, Position, UnitWriter } from '../../core/ports/pulled-source.ts';
import { linesOf } from './emit.ts';
import { type Page, recordsOf, straysOf } from './page.ts';

/** A unit is sealed after so many bytes, pages or milliseconds, whichever comes first: what a crash can cost is asked again. */
const BYTES_MAX = 8_000_000;
const PAGES_MAX = 100;
const AGE_MS_MAX = 2000;

/** Pages become units: several small ones together, because each unit is made durable by itself. */
export class Units {
  readonly #landing: Landing;
  #writer: UnitWriter | undefined;
  #layout = '';
  #opened_ms = 0;
  #pages = 0;
  #records = 0;
  #raw: string[] = [];
  /** In this pull, of all units. */
  records = 0;
  bytes = 0;
  sealed = 0;

  constructor(landing: Landing) {
    this.#landing = landing;
  }

  /** True when it is time to seal. */
  get due(): boolean {
    if (this.#writer === undefined) return false;
    return (
      this.#writer.size_bytes >= BYTES_MAX ||
      this.#pages >= PAGES_MAX ||
      performance.now() - this.#opened_ms >= AGE_MS_MAX
    );
  }

  /** True when this page cannot go into the open unit. */
  isOther(page: Page): boolean {
    return this.#writer !== undefined && recordsOf(page) > 0 && JSON.stringify(page.layout) !== this.#layout;
  }

  /** @param where names the page for people: `page 12`; a page without records opens no unit. */
  async add(
    name: string,
    where: string,
    page: Page,
    dropped: readonly number[],
    raw: string | undefined,
  ): Promise<void> {
    const records = recordsOf(page) - dropped.length;
    if (records === 0 && straysOf(page) === 0) {
      if (raw !== undefined && this.#writer !== undefined) this.#raw.push(raw);
      return;
    }
    const writer = this.#writer ?? (await this.#open(name, page));
    try {
      await written(writer, where, page, dropped);
    } catch (error) {
      // Half a page must not be sealed with the pages before it.
      await this.abandon();
      throw error;
    }
    if (raw !== undefined) this.#raw.push(raw);
    this.#pages += 1;
    this.#records += records;
    this.records += records;
  }

  async #open(name: string, page: Pick<Page, 'layout'>): Promise<UnitWriter> {
    this.#writer = await this.#landing.open(name, page.layout);
    this.#layout = JSON.stringify(page.layout);
    this.#opened_ms = performance.now();
    return this.#writer;
  }

  /** Makes the open unit durable; nothing when none is open. */
  async seal(position: Position): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    const end = { records: this.#records, position, ...(this.#raw.length > 0 ? { raw: this.#raw } : {}) };
    this.bytes += writer.size_bytes;
    this.sealed += 1;
    [this.#pages, this.#records, this.#raw] = [0, 0, []];
    await writer.close(end);
  }

  /** Bytes of this pull, those of the open unit among them. */
  get taken_bytes(): number {
    return this.bytes + (this.#writer?.size_bytes ?? 0);
  }

  async abandon(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.abandon();
  }
}

async function written(writer: UnitWriter, where: string, page: Page, dropped: readonly number[]): Promise<void> {
  let strays = 0;
  for await (const part of page.large?.parts() ?? [page]) {
    for (const piece of linesOf(part, dropped)) await writer.write(piece);
    for (const record of part.unreadable) writer.unreadable({ ...record, where: `${where} stray ${++strays}` });
  }
}
