import type { $ZodType } from 'zod/v4/core';
import type { RecordCheck } from '../model/record-check.ts';
import type { ArchiveReader } from './archive.ts';
import type { Connection } from './connection.ts';
import type { FilePlace } from './file-place.ts';
import type { FormatInspectors, InspectOptions } from './format.ts';
import type { PulledSource } from './pulled-source.ts';
import type { ConvertedFormat, Source } from './source.ts';

/** What a source is given from other rooms; a source takes what it needs. */
export interface SourceParts {
  readonly inspectors: FormatInspectors;
  /** For sources of files. */
  readonly archives?: ArchiveReader;
  /** What `connection:` names, where files lie there. */
  readonly place?: FilePlace;
  /** What the source's `connection:` names. */
  readonly connection?: Connection;
  /** Files of one format in folders, found, settled and told apart as those of `type: files`. */
  files?(wanted: WantedFiles): Promise<Source>;
}

/** Which files, all of one format, and how they are inspected. */
export interface WantedFiles {
  readonly path: string | readonly string[];
  readonly exclude?: string | readonly string[];
  readonly settle_seconds: number;
  readonly max_file_bytes: number;
  readonly format: ConvertedFormat;
  readonly inspect: Partial<InspectOptions>;
}

/** What the records of a source are like, where its options tell. */
export interface RecordShape {
  /** Name → type, in order; `columns:` may give some of them another type. */
  readonly columns: Readonly<Record<string, string>>;
  readonly checks: readonly RecordCheck[];
}

interface Kind<O> {
  readonly type: string;
  readonly summary: string;
  readonly schema: $ZodType<O>;
  /** The types of connection that `connection:` may name, `places` for all that hold files; absent: it names none. */
  readonly connection_types?: readonly string[] | 'places';
  /** True: `connection:` may be left out. */
  readonly connection_optional?: true;
}

/** A kind of source that is looked at: its units lie somewhere and are found by name, as files are. */
export interface FoundSourceComponent<O = unknown> extends Kind<O> {
  create(options: O, parts: SourceParts): Promise<Source> | Source;
  /** Absent: the records' columns come from `columns:`, or from the first unit. */
  shape?(options: O): RecordShape;
}

/** A kind of source that is asked: an API, a database, a broker. */
export interface PulledSourceComponent<O = unknown> extends Kind<O> {
  open(options: O, parts: SourceParts): Promise<PulledSource> | PulledSource;
}

/** A kind of source: one file `connectors/<system>/source.ts` exports one as `component`. */
export type SourceComponent<O = unknown> = FoundSourceComponent<O> | PulledSourceComponent<O>;
