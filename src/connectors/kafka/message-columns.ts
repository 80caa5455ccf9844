import type { Column } from '../../core/model/table.ts';
import type { ValueForms } from '../../core/model/value-forms.ts';
import type { KafkaOptions } from './options.ts';
import { MESSAGE_COLUMNS, RECORD_COLUMN } from './row-buffer.ts';

const TYPES: Readonly<Record<(typeof MESSAGE_COLUMNS)[number], string>> = {
  _topic: 'varchar',
  _partition: 'integer',
  _offset: 'bigint',
  _timestamp: 'timestamptz',
  _key: 'varchar',
  _headers: 'varchar',
  _tombstone: 'boolean',
};

/** As the engine sees those in a row that are no text. By the way in which they are written, all their values fit. */
export const SEEN_TYPES: Readonly<Record<string, string>> = {
  _partition: 'bigint',
  _offset: 'bigint',
  _timestamp: 'timestamptz',
  _tombstone: 'boolean',
  [RECORD_COLUMN]: 'bigint',
};

/** How the message's own columns are written. */
export const SEEN_FORMS: ValueForms = {
  _topic: 'text',
  _partition: 'whole',
  _offset: 'whole',
  _timestamp: 'instant',
  _key: 'text',
  _headers: 'text',
  _tombstone: 'boolean',
  [RECORD_COLUMN]: 'whole',
};

/** Columns of the formats whose fields the source names; undefined when only the messages tell. */
export function messageColumns({ format, fields }: KafkaOptions): readonly Column[] | undefined {
  if (format === 'json' || format === 'ndjson' || format === 'avro') return undefined;
  const own = fields ?? ['value'];
  return [
    ...MESSAGE_COLUMNS.map((name) => column(name, TYPES[name])),
    ...(format === 'csv' ? [column(RECORD_COLUMN, 'integer')] : []),
    ...own.map((name) => column(name, 'varchar')),
  ];
}

function column(name: string, type: string): Column {
  return { name, type, nullable: true };
}
