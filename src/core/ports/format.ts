import type { Column } from '../model/table.ts';
import type { CsvDialect } from './engine.ts';
import type { ConvertedFormat, InputUnit, Inspection } from './source.ts';

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
}

/**
 * The one streaming pass over a file of one format: `formats/<format>/inspect.ts` exports one as `inspector`.
 * Bad content is `problem` in the answer; only I/O errors and an aborted signal are thrown.
 */
export interface FormatInspector {
  inspect(request: InspectRequest, signal?: AbortSignal): Promise<Inspection>;
}

export type FormatInspectors = Readonly<Record<InputUnit['format'] | ConvertedFormat, FormatInspector>>;
