import * as z from 'zod/mini';
import type { StreamSpec } from '../model/stream.ts';
import { parseTableKey } from '../model/table.ts';
import { columnNames, connectionName, description, uniqueByCase } from './fields.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

/** One entry of `streams:`. */
function streamSchema(): z.ZodMiniType<StreamSpec> {
  const table = z.string().check(
    z.refine((name) => {
      const layer = parseTableKey(name)?.layer;
      return layer !== undefined && layer !== 'quarantine';
    }, 'a table is written bronze.x, silver.x or gold.x'),
  );
  const topic = z
    .string()
    .check(
      z.refine(
        (name) => /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..',
        'a topic is letters, digits, . _ and -, at most 249',
      ),
    );
  const schema = z.strictObject({
    from: table.check(meta('The table whose rows are published.', 'silver.factures')),
    connection: z.string().check(z.minLength(1), meta('Name of an entry of `connections:`.', 'events')),
    topic: topic.check(meta('The topic; it is made when it is not there.', 'factures-enriched')),
    key: z.optional(
      columnNames.check(meta('Columns that make the key of a message; by default the key of the table.', 'id')),
    ),
    format: z._default(z.enum(['json']), 'json').check(meta('How a row is written: one JSON object.')),
    deletions: z
      ._default(z.enum(['tombstone', 'ignore']), 'tombstone')
      .check(meta('What becomes of keys that are gone: a message without value, or nothing.')),
    compression: z
      ._default(z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']), 'lz4')
      .check(meta('How batches of messages are compressed.')),
    batch_rows: z
      ._default(z.int().check(z.minimum(1), z.maximum(100_000)), 5_000)
      .check(meta('Messages in one transaction.')),
    description,
  });
  return schema as unknown as z.ZodMiniType<StreamSpec>;
}

/** `streams:` */
export function streamsSchema(): z.ZodMiniType<Record<string, StreamSpec>> {
  return z
    ._default(uniqueByCase(z.record(connectionName, streamSchema()), 'stream'), {})
    .check(meta('Tables whose new rows go out to a topic, once per key and version: `dataflow stream publish`.'));
}
