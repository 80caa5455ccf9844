import type { Landing, Position, PullContext, UnitWriter } from '../../core/ports/pulled-source.ts';
import { UnreadableBson } from './bson-values.ts';
import { documentRows } from './document-rows.ts';
import type { MongodbOptions } from './options.ts';

/** A unit is sealed once it is so large. */
const UNIT_BYTES = 32 * 1024 * 1024;
/** What is handed on at once. */
const WRITE_CHARS = 512 * 1024;

/** Documents on their way into units: rows of NDJSON, and raw documents that cannot be rows. */
export class LandedDocuments {
  private readonly landing: Landing;
  private readonly options: MongodbOptions;
  private readonly limits: PullContext['limits'];
  private writer: UnitWriter | undefined;
  private lines: string[] = [];
  private chars = 0;
  private records = 0;
  private documents = 0;
  private bytes = 0;
  private total = 0;
  private total_bytes = 0;
  private landed: number;

  /** @param landed units of earlier pulls: the next one is named by it. */
  constructor(landing: Landing, options: MongodbOptions, limits: PullContext['limits'], landed: number) {
    this.landing = landing;
    this.options = options;
    this.limits = limits;
    this.landed = landed;
  }

  /** Units so far, earlier pulls included. */
  get units(): number {
    return this.landed;
  }

  /** Documents that this pull took. */
  get taken(): number {
    return this.total;
  }

  /** The unit is large enough to be sealed. */
  get ripe(): boolean {
    return this.bytes >= UNIT_BYTES || this.full;
  }

  /** The pull has what it may take. */
  get full(): boolean {
    return this.total >= this.limits.records_max || this.total_bytes >= this.limits.bytes_max;
  }

  /** Takes one document; resolves when more may come. @param first members before those of the document. */
  async add(document: Buffer, first: readonly (readonly [string, string])[] = []): Promise<void> {
    this.writer ??= await this.landing.open(`documents-${String(this.landed + 1).padStart(8, '0')}`, {
      format: 'ndjson',
    });
    this.total += 1;
    this.documents += 1;
    try {
      const rows = documentRows(document, this.options, first);
      for (const row of rows) this.push(row);
      this.records += rows.length;
    } catch (error) {
      if (!(error instanceof UnreadableBson) && !(error instanceof RangeError)) throw error;
      this.writer.unreadable({
        rule: 'unreadable_document',
        reason: `${error.message}; the raw text is BSON in base64`,
        where: `document ${this.documents} of the unit`,
        raw: document.toString('base64'),
      });
    }
    if (this.chars >= WRITE_CHARS) await this.flush();
  }

  /** Seals the unit, if there is one, with the position behind it. */
  async close(position: (units: number) => Position): Promise<void> {
    await this.flush();
    const { writer, records } = this;
    if (writer === undefined) return;
    this.writer = undefined;
    this.landed += 1;
    [this.records, this.documents, this.bytes] = [0, 0, 0];
    await writer.close({ records, position: position(this.landed) });
  }

  /** Removes what is not sealed. */
  async abandon(): Promise<void> {
    const { writer } = this;
    this.writer = undefined;
    await writer?.abandon();
  }

  private push(row: string): void {
    this.lines.push(row);
    this.chars += row.length;
    this.bytes += row.length;
    this.total_bytes += row.length;
  }

  private async flush(): Promise<void> {
    if (this.lines.length === 0) return;
    const bytes = Buffer.from(this.lines.join(''), 'utf8');
    this.lines = [];
    this.chars = 0;
    await this.writer?.write(bytes);
  }
}
