import type { $ZodType } from 'zod/v4/core';
import type { FormatInspectors } from './format.ts';
import type { Source } from './source.ts';

/** What a source is given from other rooms; a source takes what it needs. */
export interface SourceParts {
  readonly inspectors: FormatInspectors;
}

/** A kind of source: one file `connectors/<system>/source.ts` exports one as `component`. */
export interface SourceComponent<O = unknown> {
  readonly type: string;
  readonly summary: string;
  readonly schema: $ZodType<O>;
  create(options: O, parts: SourceParts): Promise<Source> | Source;
}
