import { crc32, gzipSync } from 'node:zlib';
import type { ColumnChunk, Encoding, PageHeader, SchemaElement } from 'hyparquet';
import type { Writer } from 'hyparquet-writer';
import type { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';

/** The Parquet writer's own parts, loaded when a checkpoint is written. */
export interface WriterParts {
  readonly newWriter: () => ByteWriter;
  readonly writePageHeader: (writer: Writer, header: PageHeader) => void;
  readonly writeRuns: (writer: Writer, values: number[], width: number) => number;
}

export async function writerParts(): Promise<WriterParts> {
  const [bytes, { writePageHeader }, { writeRleBitPackedHybrid }] = await Promise.all([
    import('hyparquet-writer/src/bytewriter.js'),
    import('hyparquet-writer/src/datapage.js'),
    import('hyparquet-writer/src/encoding.js'),
  ]);
  return { newWriter: () => new bytes.ByteWriter(), writePageHeader, writeRuns: writeRleBitPackedHybrid };
}

/** Levels of the places of a page; one number stands for all of them. */
type Levels = number | readonly number[];

/** The places of one page, before they are written. */
export interface PageInput extends EncodedValues {
  readonly rows: number;
  /** Places: values, and what is not there. */
  readonly count: number;
  readonly nulls: number;
  readonly definition: Levels;
  /** Undefined where each place is a row. */
  readonly repetition?: Levels;
}

/** Pages of one column, encoded as they come: each with a checksum, so that a reader need not decode it to trust it. */
export class ColumnPages {
  readonly #parts: WriterParts;
  readonly #path: readonly SchemaElement[];
  readonly #codec: 'UNCOMPRESSED' | 'GZIP';
  readonly #pages: Uint8Array[] = [];
  #count = 0;
  #uncompressed = 0;
  #encoding: Encoding = 'PLAIN';

  constructor(parts: WriterParts, path: readonly SchemaElement[], codec: 'UNCOMPRESSED' | 'GZIP') {
    this.#parts = parts;
    this.#path = path;
    this.#codec = codec;
  }

  add({ rows, count, nulls, definition, repetition, encoding, values, dictionary }: PageInput): void {
    if (dictionary !== undefined) this.#addDictionary(dictionary.count, dictionary.values);
    const levels = this.#parts.newWriter();
    const [deepest, repeated] = [depth(this.#path, 'REQUIRED', false), depth(this.#path, 'REPEATED', true)];
    const repetition_bytes = repeated === 0 ? 0 : this.#levels(levels, repetition ?? 0, count, repeated);
    const definition_bytes = this.#levels(levels, definition, count, deepest);
    const body = this.#codec === 'GZIP' ? gzipSync(values, { level: 1 }) : values;
    const bytes = Buffer.concat([levels.getBytes(), body]);
    this.#put(bytes, levels.offset + values.length, {
      type: 'DATA_PAGE_V2',
      data_page_header_v2: {
        num_values: count,
        num_nulls: nulls,
        num_rows: rows,
        encoding,
        definition_levels_byte_length: definition_bytes,
        repetition_levels_byte_length: repetition_bytes,
        is_compressed: this.#codec !== 'UNCOMPRESSED',
      },
    });
    this.#count += count;
    this.#encoding = encoding;
  }

  /** A page of nothing. */
  addNulls(rows: number): void {
    const nothing = { definition: 0, repetition: 0, encoding: 'PLAIN', values: new Uint8Array(0) } as const;
    this.add({ rows, count: rows, nulls: rows, ...nothing });
  }

  #addDictionary(count: number, values: Uint8Array): void {
    const header = {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: { num_values: count, encoding: 'PLAIN' },
    } as const;
    this.#put(this.#codec === 'GZIP' ? gzipSync(values, { level: 1 }) : values, values.length, header);
  }

  /** Writes them as one chunk, and says where. */
  writeTo(file: Writer): ColumnChunk {
    const start = file.offset;
    for (const page of this.#pages) file.appendBytes(page);
    const with_dictionary = this.#encoding === 'RLE_DICTIONARY';
    const after_dictionary = start + (with_dictionary ? (this.#pages[0]?.length ?? 0) : 0);
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: this.#path.at(-1)?.type ?? 'BYTE_ARRAY',
        encodings: [...new Set<Encoding>(['PLAIN', 'RLE', this.#encoding])],
        path_in_schema: this.#path.slice(1).map(({ name }) => name),
        codec: this.#codec,
        num_values: BigInt(this.#count),
        total_uncompressed_size: BigInt(this.#uncompressed),
        total_compressed_size: BigInt(file.offset - start),
        data_page_offset: BigInt(after_dictionary),
        ...(with_dictionary ? { dictionary_page_offset: BigInt(start) } : {}),
      },
    };
  }

  #put(bytes: Uint8Array, uncompressed: number, header: Pick<PageHeader, 'type'> & Partial<PageHeader>): void {
    const head = this.#parts.newWriter();
    const crc = crc32(bytes) | 0;
    this.#parts.writePageHeader(head, {
      ...header,
      uncompressed_page_size: uncompressed,
      compressed_page_size: bytes.length,
      crc,
    });
    this.#pages.push(Buffer.concat([head.getBytes(), bytes]));
    this.#uncompressed += head.offset + uncompressed;
  }

  #levels(out: ByteWriter, levels: Levels, count: number, deepest: number): number {
    if (deepest === 0) return 0;
    const before = out.offset;
    if (typeof levels !== 'number') return this.#parts.writeRuns(out, [...levels], 32 - Math.clz32(deepest));
    out.appendVarInt(count << 1);
    out.appendUint8(levels);
    return out.offset - before;
  }
}

function depth(path: readonly SchemaElement[], repetition: string, equal: boolean): number {
  return path.slice(1).filter(({ repetition_type }) => (repetition_type === repetition) === equal).length;
}

/** What values of a page are, once they are encoded. */
export interface EncodedValues {
  readonly encoding: Encoding;
  readonly values: Uint8Array;
  /** To be written before the page, the only one then. */
  readonly dictionary?: { readonly count: number; readonly values: Uint8Array };
}

/** Texts of which there are few different ones: each once, and a number for every place. */
export class DictionaryTexts {
  readonly #parts: WriterParts;
  readonly #numbers = new Map<string, number>();
  readonly #indexes: number[] = [];

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  add(text: string): void {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    this.#indexes.push(number);
  }

  take(): EncodedValues {
    if (this.#indexes.length === 0) return { encoding: 'PLAIN', values: new Uint8Array(0) };
    const width = Math.max(1, 32 - Math.clz32(this.#numbers.size - 1));
    const out = this.#parts.newWriter();
    out.appendUint8(width);
    this.#parts.writeRuns(out, this.#indexes, width);
    const texts = new PlainTexts();
    for (const text of this.#numbers.keys()) texts.add(text);
    const dictionary = { count: this.#numbers.size, values: texts.take().values };
    return { encoding: 'RLE_DICTIONARY', values: out.getBytes(), dictionary };
  }
}

/** Texts as Parquet has them plainly: the length, then the bytes. */
export class PlainTexts {
  #bytes = Buffer.allocUnsafe(64 * 1024);
  #used = 0;

  add(text: string): void {
    const length = Buffer.byteLength(text);
    if (this.#used + 4 + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe((this.#used + 4 + length) * 2);
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    this.#used = this.#bytes.writeUInt32LE(length, this.#used);
    this.#used += this.#bytes.write(text, this.#used, 'utf8');
  }

  /** Everything that was added since the last time. */
  take(): EncodedValues {
    const values = Buffer.from(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
    return { encoding: 'PLAIN', values };
  }
}
