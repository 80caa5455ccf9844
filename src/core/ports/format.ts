import type { Column } from '../model/table.ts';
import type { CsvDialect } from './engine.ts';
import type { ConvertedFormat, InputUnit, Inspection, Readiness } from './source.ts';

/** How scanned documents are read. */
export interface DocumentOptions {
  /** Languages of the recognition, the most likely one first. */
  readonly languages: readonly string[];
  /** What becomes one record. */
  readonly record: 'page' | 'document';
  /** Name → the pattern whose first group is the field's value. */
  readonly fields: Readonly<Record<string, { readonly pattern: string }>>;
  /** Dots per inch that a page of a PDF is drawn with. */
  readonly dpi: number;
  /** Whether the text that a PDF holds stands for what would be recognised. */
  readonly text_layer: 'use' | 'ignore';
  readonly max_pages: number;
  /** Limit on the pixels of one page. */
  readonly max_pixels: number;
  /** Time for one page. */
  readonly page_seconds_max: number;
}

/** What a user may say about the files of a source, resolved to defaults; the parts that a format has no use for are ignored. */
export interface InspectOptions {
  /** `auto` = a byte order mark decides, else UTF-8. */
  readonly encoding: 'auto' | 'utf-8' | 'utf-16' | 'latin-1' | 'windows-1252';
  /** csv: one ASCII character; absent = sniffed. */
  readonly delimiter?: string;
  /** csv: one ASCII character, or empty for none. */
  readonly quote: string;
  /** csv: absent = the quote itself, doubled. */
  readonly escape?: string;
  readonly has_header: boolean;
  /** Lines before the header. */
  readonly skip_lines: number;
  readonly null_values?: readonly string[];
  /** xlsx: the sheet's name, or its number from 1; absent = the first. */
  readonly sheet?: string | number;
  /** fixed: name → its first character (from 1) and how many it has. */
  readonly fields?: Readonly<Record<string, readonly [start: number, length: number]>>;
  /** xml: path of the elements that are records, e.g. `orders/order`. */
  readonly record?: string;
  readonly document?: DocumentOptions;
  /** Limit on the size after decompression. */
  readonly max_expanded_bytes: number;
  /** Limit on expanded size / file size; looked at only once the expanded size is beyond 100 MB. */
  readonly max_ratio: number;
  /** Limit on one line (csv, ndjson) or one element (json). */
  readonly max_line_bytes: number;
  /** The unit is known to be whole: what is broken in it is single records. */
  readonly complete?: boolean;
}

export interface InspectRequest {
  readonly unit: InputUnit;
  /** Local folder in which a decoded copy may be written. */
  readonly temp_folder: string;
  readonly options: InspectOptions;
  /** Longer than this the inspection is stopped and the unit refused; kept by inspectors that run beside the main thread. */
  readonly seconds_max?: number;
  /** The dialect recorded for this source, if any. */
  readonly pinned?: CsvDialect;
  /** csv: the columns that the file will be read into, as far as they are known. */
  readonly columns?: readonly Column[];
  /** parquet: of the file only its first bytes and its footer are here; what is between them is left to whoever reads it. */
  readonly ends_only?: boolean;
  /** document: local folder in which originals and what was read of them are kept. */
  readonly kept_folder?: string;
  /** document: processes that may read at the same time, and the memory that each may take. */
  readonly threads?: number;
  readonly memory_bytes_max?: number;
}

/**
 * The one streaming pass over a file of one format: `formats/<format>/inspect.ts` exports one as `inspector`.
 * Bad content is `problem` in the answer; only I/O errors and an aborted signal are thrown.
 */
export interface FormatInspector {
  inspect(request: InspectRequest, signal?: AbortSignal): Promise<Inspection>;
  /** Whether the packages are there that reading takes; absent: it takes none beyond the program's own. */
  ready?(options: InspectOptions): Promise<Readiness>;
}

export type FormatInspectors = Readonly<Record<InputUnit['format'] | ConvertedFormat, FormatInspector>>;
