import { isUtf8 } from 'node:buffer';
import type { Landing, Position, UnitFacts, UnitLayout, UnitWriter } from '../../core/ports/pulled-source.ts';
import type { Relation } from './relation.ts';

/** A unit is sealed once it is so large: what a crash can cost, and what the engine reads side by side. */
export const UNIT_BYTES = 32 * 1024 * 1024;
/** What is handed on at once. */
const WRITE_BYTES = 1024 * 1024;

/** How the records of a relation are written: CSV as COPY writes it, NULL is nothing, an empty text is `""`. */
function unitLayout(relation: Relation): UnitLayout {
  const dialect = { delimiter: ',', quote: '"', escape: '"', has_header: false, skip_lines: 0 };
  const lone = relation.columns.length === 1;
  return {
    format: 'csv',
    dialect: lone ? { ...dialect, null_values: ['\\N'] } : dialect,
    header: relation.columns.map((column) => column.name),
  };
}

/** Days for which the engine has other words, or none. */
const ODD_DAYS = ['infinity', ' BC'];

/** The types whose text COPY writes as the engine reads it; none for a lone column, whose values stand in quotes. */
function typesOf({ columns }: Relation): Readonly<Record<string, string>> {
  return columns.length === 1 ? {} : Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}

/** What people see of a unit's name. */
export function unitName(number: number): string {
  return `rows-${String(number).padStart(8, '0')}`;
}

/** Rows on their way into units: gathered, so that small ones do not cost a write each. */
export class UnitRows {
  private readonly landing: Landing;
  private readonly layout: UnitLayout;
  private readonly buffer = Buffer.allocUnsafe(WRITE_BYTES);
  private filled = 0;
  private writer: UnitWriter | undefined;
  private records = 0;
  private bytes = 0;
  private readonly types: Readonly<Record<string, string>>;
  private readonly has_days: boolean;
  private multiline = false;
  /** Something in the unit has to be looked at by somebody else. */
  private doubted = false;

  constructor(landing: Landing, relation: Relation) {
    this.landing = landing;
    this.layout = unitLayout(relation);
    this.types = typesOf(relation);
    this.has_days = relation.columns.some(({ type }) => /^(date|timestamp)/.test(type));
  }

  get unit_records(): number {
    return this.records;
  }

  get unit_bytes(): number {
    return this.bytes;
  }

  /** Notes that some record of this unit has a line end inside. */
  span(): void {
    this.multiline = true;
  }

  /** Takes one or more whole records; a promise when the way is blocked. @param name of the unit, should it be the first of one. */
  add(name: string, bytes: Buffer, records: number): Promise<void> | undefined {
    this.records += records;
    this.bytes += bytes.length;
    if (this.writer !== undefined && this.filled + bytes.length <= WRITE_BYTES) {
      this.filled += bytes.copy(this.buffer, this.filled);
      return undefined;
    }
    return this.spill(name, bytes);
  }

  /** Seals the unit with the position behind it. Nothing happens when nothing was added. */
  async close(position: Position): Promise<void> {
    const { writer } = this;
    if (writer === undefined) return;
    await this.flush(writer);
    const { records, multiline, doubted, types } = this;
    const facts: UnitFacts = { types, ...(multiline ? { multiline_records: true } : {}) };
    this.writer = undefined;
    [this.records, this.bytes] = [0, 0];
    [this.multiline, this.doubted] = [false, false];
    await writer.close({ records, position, ...(doubted ? {} : { facts }) });
  }

  /** Removes what is not sealed. */
  async abandon(): Promise<void> {
    const { writer } = this;
    this.writer = undefined;
    await writer?.abandon();
  }

  private async spill(name: string, bytes: Buffer): Promise<void> {
    this.writer ??= await this.landing.open(name, this.layout);
    await this.flush(this.writer);
    if (bytes.length >= WRITE_BYTES) await this.write(this.writer, bytes);
    else this.filled = bytes.copy(this.buffer, 0);
  }

  private async flush(writer: UnitWriter): Promise<void> {
    if (this.filled > 0) await this.write(writer, this.buffer.subarray(0, this.filled));
    this.filled = 0;
  }

  /** Whole records. A database without an encoding sends whatever bytes it was given. */
  private async write(writer: UnitWriter, bytes: Buffer): Promise<void> {
    this.doubted ||= !isUtf8(bytes) || (this.has_days && ODD_DAYS.some((text) => bytes.includes(text)));
    await writer.write(bytes);
  }
}
