import * as z from 'zod/mini';
import { FILE_LIMITS, type FileLimits } from '../model/project.ts';
import { sizeText } from './schema-cost.ts';

/** `limits:` of a source; the size becomes a number. */
export function limitsSchema(): z.ZodMiniType<FileLimits | undefined> {
  const shape = z.strictObject({
    file_seconds_max: z._default(
      z.number().check(
        z.gt(0),
        z.lte(1_000_000),
        z.meta({
          description:
            'Seconds that reading one file may take, besides one second for each 5 MB of it. A file that takes longer is quarantined.',
        }),
      ),
      FILE_LIMITS.file_seconds_max,
    ),
    file_memory_max: z._default(sizeText, FILE_LIMITS.file_memory_max_bytes).check(
      z.meta({
        description:
          'Memory of the process that reads a Parquet file, e.g. `512MB`; never more than `engine.memory_limit`. A file that needs more is quarantined. Default: 2GB.',
      }),
    ),
  });
  const limits = z.pipe(
    shape,
    z.transform(
      ({ file_seconds_max, file_memory_max }): FileLimits => ({
        file_seconds_max,
        file_memory_max_bytes: file_memory_max,
      }),
    ),
  );
  return z.optional(limits).check(
    z.meta({
      description: 'What reading one file of this source may take: files are not trusted.',
      samples: [{ file_seconds_max: 60, file_memory_max: '512MB' }],
    }),
  ) as unknown as z.ZodMiniType<FileLimits | undefined>;
}
