import * as z from 'zod/mini';
import { reservedFields } from './values-csv.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const count = (max: number) => z.int().check(z.minimum(1), z.maximum(max));

/** Names that Kafka allows, so that they may stand in paths and messages as they are. */
const topic = z.string().check(
  z.minLength(1),
  z.maxLength(249),
  z.refine(
    (name) => /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..',
    'letters, digits, . _ and - only',
  ),
);

/** Options of `type: kafka`. */
export const schema = z
  .strictObject({
    topic: topic.check(describe('The topic.', 'weather')),
    format: z._default(
      z
        .enum(['json', 'ndjson', 'csv', 'avro', 'text', 'raw'])
        .check(
          describe(
            'What a message holds: one JSON object, several (one a line), CSV records without header, Avro with a schema registry, text, or any bytes (`raw`, kept as base64).',
          ),
        ),
      'json',
    ),
    fields: z.optional(
      z
        .array(z.string().check(z.minLength(1), z.maxLength(200)))
        .check(
          z.minLength(1),
          z.maxLength(10_000),
          describe(
            'Names of the fields of `format: csv`, in order; of the one column of `text` and `raw` (default `value`).',
            ['id', 'amount'],
          ),
        ),
    ),
    delimiter: z._default(
      z.string().check(z.length(1), describe('What separates the fields of `format: csv`.', ';')),
      ',',
    ),
    start: z._default(
      z
        .enum(['earliest', 'latest'])
        .check(
          describe(
            'Where the very first pull begins. From then on the lake knows; partitions that are added later are read from their beginning.',
          ),
        ),
      'earliest',
    ),
    on_lost_offsets: z._default(
      z
        .enum(['fail', 'skip'])
        .check(
          describe(
            'When the topic no longer holds what comes next (retention, a damaged batch): stop and say which offsets are gone, or go on behind them and record them as a hole.',
          ),
        ),
      'fail',
    ),
    poison_max: z.optional(
      z
        .int()
        .check(
          z.minimum(0),
          z.maximum(1_000_000_000),
          describe(
            'More messages that cannot be read than this in one pull stop it; without it they only go to quarantine.',
            100,
          ),
        ),
    ),
    group: z.optional(
      z
        .string()
        .check(
          z.minLength(1),
          z.maxLength(249),
          describe(
            'Consumer group under which committed offsets are noted for monitoring (default `dataflow-<source>`). What is read is decided by the lake alone.',
          ),
        ),
    ),
    message_bytes_max: z._default(count(16_000_000).check(describe('A longer message is quarantined.')), 15_000_000),
    fetch_bytes_max: z._default(
      z.int().check(z.minimum(1024), z.maximum(256_000_000), describe('How much one answer of a broker may hold.')),
      8_000_000,
    ),
  })
  .check(
    z.refine((options) => options.format !== 'csv' || options.fields !== undefined, 'format: csv needs fields'),
    z.refine(
      (options) => !['json', 'ndjson', 'avro'].includes(options.format) || options.fields === undefined,
      'fields belong to format: csv, text or raw',
    ),
    z.refine(
      (options) => !['text', 'raw'].includes(options.format) || (options.fields?.length ?? 1) === 1,
      'format: text and raw have one field',
    ),
    z.refine(
      (options) => reservedFields(options.fields ?? []).length === 0,
      'a field has the name of a column that every message gets (_topic, _partition, _offset, _timestamp, _key, _headers, _tombstone, _record)',
    ),
  );

export type KafkaOptions = z.output<typeof schema>;
