import * as z from 'zod/mini';
import type { EngineComponent } from '../../core/ports/engine-component.ts';

const size = z
  .string()
  .check(z.regex(/^\d+(\.\d+)?\s*([KMGT]i?B|B)$/i, 'write it as a number with a unit, such as 4GB or 512MB'));

const schema = z.strictObject({
  memory_limit: z.optional(
    size.check(
      z.meta({
        description:
          'Memory that the engine may use before it spills to disk, e.g. `4GB`. Default: 60 % of what the machine or container has.',
      }),
    ),
  ),
  threads: z.optional(
    z
      .int()
      .check(
        z.minimum(1),
        z.maximum(1024),
        z.meta({ description: 'Threads of the engine. Default: the cores of the machine.' }),
      ),
  ),
  temp_limit: z.optional(
    size.check(z.meta({ description: 'Disk space that it may spill to, e.g. `50GB`. Default: 90 % of what is free.' })),
  ),
  extension_directory: z.optional(
    z
      .string()
      .check(z.meta({ description: 'Folder with DuckDB extensions that are there already; none is ever downloaded.' })),
  ),
});

/** The embedded engine. Only its options are looked at here; the engine itself is loaded when it is opened. */
export const component = {
  type: 'duckdb',
  summary: 'DuckDB, embedded: nothing to install or start',
  schema,
  open: async (spec, places) => (await import('./open-duckdb.ts')).openDuckDb(spec, places),
} satisfies EngineComponent<z.infer<typeof schema>>;
