import * as z from 'zod/mini';
import { PULL_BATCH, type PullBatch } from '../model/project.ts';
import { durationText, sizeText } from './schema-cost.ts';

/** `batch:` of a pulled source; size and duration become numbers. */
export function batchSchema(): z.ZodMiniType<PullBatch> {
  const shape = z.strictObject({
    records: z
      ._default(z.int().check(z.gte(1), z.lte(100_000_000)), PULL_BATCH.records)
      .check(
        z.meta({ description: 'Records that one batch takes at most; each batch is one commit.', samples: [100_000] }),
      ),
    bytes: z
      ._default(sizeText, PULL_BATCH.bytes)
      .check(z.meta({ description: 'Size that one batch lands at most. Default: 256MB.', samples: ['64MB'] })),
    wait: z
      ._default(durationText, PULL_BATCH.wait_ms)
      .check(
        z.meta({ description: 'How long a batch that is not full waits for more. Default: 1s.', samples: ['500ms'] }),
      ),
  });
  const batch = z.pipe(
    shape,
    z.transform(({ records, bytes, wait }): PullBatch => ({ records, bytes, wait_ms: wait })),
  );
  return batch.check(
    z.meta({
      description: 'What one batch of a source that is asked takes.',
      samples: [{ records: 100_000, wait: '5s' }],
    }),
  ) as unknown as z.ZodMiniType<PullBatch>;
}
