import type { $ZodType } from 'zod/v4/core';
import type { Connection } from './connection.ts';
import type { FormatInspectors } from './format.ts';
import type { PulledSource } from './pulled-source.ts';
import type { Source } from './source.ts';

/** What a source is given from other rooms; a source takes what it needs. */
export interface SourceParts {
  readonly inspectors: FormatInspectors;
  /** What the source's `connection:` names. */
  readonly connection?: Connection;
}

interface Kind<O> {
  readonly type: string;
  readonly summary: string;
  readonly schema: $ZodType<O>;
  /** The types of connection that `connection:` may name; absent: it names none. */
  readonly connection_types?: readonly string[];
  /** True: `connection:` may be left out. */
  readonly connection_optional?: true;
}

/** A kind of source that is looked at: its units lie somewhere and are found by name, as files are. */
export interface FoundSourceComponent<O = unknown> extends Kind<O> {
  create(options: O, parts: SourceParts): Promise<Source> | Source;
}

/** A kind of source that is asked: an API, a database, a broker. */
export interface PulledSourceComponent<O = unknown> extends Kind<O> {
  open(options: O, parts: SourceParts): Promise<PulledSource> | PulledSource;
}

/** A kind of source: one file `connectors/<system>/source.ts` exports one as `component`. */
export type SourceComponent<O = unknown> = FoundSourceComponent<O> | PulledSourceComponent<O>;
