import type { ColumnChunk, SchemaElement } from 'hyparquet';
import type { Writer } from 'hyparquet-writer';
import type { AddAction } from '../delta-actions.ts';
import { ColumnPages, DictionaryTexts, type EncodedValues, PlainTexts, type WriterParts } from './parquet-pages.ts';

/** Rows of a page that is decoded for one of them: small, since files of one partition are mostly spread over many pages. */
const LAZY_ROWS = 256;
/** Rows of a page that is decoded as a whole: what it takes is let go before the next one. */
const PATH_ROWS = 8192;
/** How much of a member's path is there: the action, the member, and of a map its entries and the value. */
const [MEMBER, ENTRY, VALUE] = [2, 3, 4];
type TextMap = Readonly<Record<string, string | null>>;
type Path = readonly SchemaElement[];
type PathOf = (...names: string[]) => Path;

/** The files of one row group, member by member. */
export class FileColumns {
  readonly #parts: WriterParts;
  readonly #leaves: readonly Path[];
  readonly #pathOf: PathOf;
  readonly #paths: TextColumn;
  readonly #sizes: bigint[] = [];
  readonly #times: bigint[] = [];
  readonly #partitions: MapColumn;
  readonly #stats: TextColumn;
  readonly #tags: MapColumn;

  /** @param leaves the columns of a checkpoint, in their order. */
  constructor(parts: WriterParts, leaves: readonly Path[]) {
    const pathOf: PathOf = (...names) => leaves.find((path) => nameOf(path) === names.join('.')) ?? [];
    this.#parts = parts;
    this.#leaves = leaves;
    this.#pathOf = pathOf;
    this.#partitions = new MapColumn(parts, pathOf, 'partitionValues', true);
    this.#paths = new TextColumn(new ColumnPages(parts, pathOf('add', 'path'), 'UNCOMPRESSED'));
    this.#stats = new TextColumn(new ColumnPages(parts, pathOf('add', 'stats'), 'GZIP'));
    this.#tags = new MapColumn(parts, pathOf, 'tags', false);
  }

  get rows(): number {
    return this.#sizes.length;
  }

  add({ path, size, modificationTime, partitionValues, stats, tags }: AddAction): void {
    this.#paths.add(path);
    this.#sizes.push(BigInt(size));
    this.#times.push(BigInt(modificationTime));
    this.#partitions.add(partitionValues);
    this.#stats.add(stats ?? undefined);
    this.#tags.add(tags ?? undefined);
    if (this.rows % PATH_ROWS === 0) this.#paths.endPage();
    if (this.rows % LAZY_ROWS > 0) return;
    this.#stats.endPage();
    this.#tags.endPage();
  }

  /** One chunk of each column; what files do not have is empty. */
  writeTo(file: Writer): ColumnChunk[] {
    const columns = new Map([
      ['add.path', this.#paths.end()],
      ['add.size', this.#plain(this.#pathOf('add', 'size'), longs(this.#sizes))],
      ['add.modificationTime', this.#plain(this.#pathOf('add', 'modificationTime'), longs(this.#times))],
      ['add.dataChange', this.#plain(this.#pathOf('add', 'dataChange'), new Uint8Array((this.rows + 7) >> 3))],
      ['add.stats', this.#stats.end()],
      ...this.#partitions.end(),
      ...this.#tags.end(),
    ]);
    return this.#leaves.map((path) => {
      const known = columns.get(nameOf(path));
      const column = known ?? new ColumnPages(this.#parts, path, 'UNCOMPRESSED');
      if (known === undefined) column.addNulls(this.rows);
      return column.writeTo(file);
    });
  }

  #plain(path: Path, values: Uint8Array): ColumnPages {
    const column = new ColumnPages(this.#parts, path, 'UNCOMPRESSED');
    column.add({ rows: this.rows, count: this.rows, nulls: 0, definition: MEMBER, encoding: 'PLAIN', values });
    return column;
  }
}

/** A text of each file, where there is one. */
class TextColumn {
  readonly #pages: ColumnPages;
  readonly #texts = new PlainTexts();
  #definition: number[] = [];
  #nulls = 0;

  constructor(pages: ColumnPages) {
    this.#pages = pages;
  }

  add(text: string | undefined): void {
    this.#definition.push(text === undefined ? MEMBER - 1 : MEMBER);
    if (text === undefined) this.#nulls++;
    else this.#texts.add(text);
  }

  endPage(): void {
    const count = this.#definition.length;
    if (count === 0) return;
    const definition = this.#nulls === 0 ? MEMBER : this.#definition;
    this.#pages.add({ rows: count, count, nulls: this.#nulls, definition, ...this.#texts.take() });
    this.#definition = [];
    this.#nulls = 0;
  }

  end(): ColumnPages {
    this.endPage();
    return this.#pages;
  }
}

/** A map of each file: keys and values are columns of their own, their pages begin with the same file. */
class MapColumn {
  readonly #name: string;
  readonly #keys: ColumnPages;
  readonly #values: ColumnPages;
  readonly #key_texts: PlainTexts | DictionaryTexts;
  readonly #value_texts: PlainTexts | DictionaryTexts;
  #rows = 0;
  #repetition: number[] = [];
  #key_levels: number[] = [];
  #value_levels: number[] = [];

  /** @param alike most of the texts are the same as others; they are all in one page then. */
  constructor(parts: WriterParts, pathOf: PathOf, name: string, alike: boolean) {
    const codec = alike ? 'UNCOMPRESSED' : 'GZIP';
    this.#key_texts = alike ? new DictionaryTexts(parts) : new PlainTexts();
    this.#value_texts = alike ? new DictionaryTexts(parts) : new PlainTexts();
    this.#name = `add.${name}.key_value`;
    this.#keys = new ColumnPages(parts, pathOf('add', name, 'key_value', 'key'), codec);
    this.#values = new ColumnPages(parts, pathOf('add', name, 'key_value', 'value'), codec);
  }

  add(map: TextMap | undefined): void {
    this.#rows++;
    const entries = Object.entries(map ?? {});
    if (entries.length === 0)
      this.#place(0, map === undefined ? MEMBER - 1 : MEMBER, map === undefined ? MEMBER - 1 : MEMBER);
    for (const [index, [key, value]] of entries.entries()) {
      this.#place(index === 0 ? 0 : 1, ENTRY, value === null ? ENTRY : VALUE);
      this.#key_texts.add(key);
      if (value !== null) this.#value_texts.add(value);
    }
  }

  endPage(): void {
    if (this.#rows === 0) return;
    this.#write(this.#keys, this.#key_levels, ENTRY, this.#key_texts.take());
    this.#write(this.#values, this.#value_levels, VALUE, this.#value_texts.take());
    this.#rows = 0;
    this.#repetition = [];
    this.#key_levels = [];
    this.#value_levels = [];
  }

  end(): readonly (readonly [string, ColumnPages])[] {
    this.endPage();
    return [
      [`${this.#name}.key`, this.#keys],
      [`${this.#name}.value`, this.#values],
    ];
  }

  #place(repetition: number, key_level: number, value_level: number): void {
    this.#repetition.push(repetition);
    this.#key_levels.push(key_level);
    this.#value_levels.push(value_level);
  }

  #write(pages: ColumnPages, levels: readonly number[], whole: number, values: EncodedValues): void {
    const nulls = levels.reduce((sum, level) => sum + Number(level < whole), 0);
    pages.add({
      ...{ rows: this.#rows, count: levels.length, nulls },
      definition: nulls === 0 ? whole : levels,
      repetition: levels.length === this.#rows ? 0 : this.#repetition,
      ...values,
    });
  }
}

function nameOf(path: Path): string {
  return path
    .slice(1)
    .map(({ name }) => name)
    .join('.');
}

function longs(values: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values).buffer);
}
