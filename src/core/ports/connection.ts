import type { $ZodType } from 'zod/v4/core';
import type { LoadAbilities } from '../model/load.ts';

/** An entry of `connections:` after validation, as connectors get it. */
export interface Connection<O = unknown> {
  /** Its name in `pipelines.yaml`. */
  readonly name: string;
  readonly type: string;
  readonly options: O;
}

/**
 * A kind of connection: a file `connectors/<system>/connection.ts` exports one as `component`. Fields that hold secrets carry
 * `.meta({ secret: true })`: they are resolved from the environment or a file and masked wherever text leaves the program.
 */
export interface ConnectionComponent<O = unknown> {
  readonly type: string;
  readonly summary: string;
  readonly schema: $ZodType<O>;
  /** Streams can be published to it: its folder has a `publisher.ts`. */
  readonly publishes?: true;
  /** Files lie there: its folder has a `place.ts`. */
  readonly holds_files?: true;
  /** Lakes can be mirrored to it: its folder has a `storage.ts`. */
  readonly stores?: true;
  /** Releases can be loaded into it: its folder has a `sink.ts`. */
  readonly loads?: LoadAbilities;
}
