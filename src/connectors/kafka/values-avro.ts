import type { Type } from 'avsc';
import { recordMembers } from '../../kit/avro-json.ts';
import { type RecordBatch, RecordCursor } from './record-batch.ts';
import type { SchemaRegistry, UnusableSchema } from './registry.ts';
import type { ValueReader } from './values.ts';
import { reservedFields } from './values-csv.ts';

/** A zero byte, then the schema's number. */
const HEAD_BYTES = 5;

/** Avro records in Confluent's wire format; each message names its schema. */
export function avroValues(registry: SchemaRegistry): ValueReader {
  const schemas = new Map<number, Type | UnusableSchema>();
  return {
    prepare: async (batch) => {
      for (const id of schemaIds(batch)) if (!schemas.has(id)) schemas.set(id, await registry.schema(id));
    },
    read: (message, rows) => {
      const value = message.bytes.subarray(message.value_from, message.value_to);
      if (value.length < HEAD_BYTES || value[0] !== 0) return 'it does not begin with the number of a schema';
      const id = value.readUInt32BE(1);
      const type = schemas.get(id);
      if (type === undefined) return `schema ${id} was not fetched`;
      if ('reason' in type) return type.reason;
      const members = decoded(type, value.subarray(HEAD_BYTES));
      if (typeof members === 'string') return `it is not what schema ${id} says: ${members}`;
      const reserved = reservedFields(namesOf(type));
      if (reserved.length > 0) return `it has a field named ${reserved[0]}, which is a column of ours`;
      rows.begin(message);
      for (const member of members) rows.member(member);
      rows.end();
      return undefined;
    },
  };
}

function decoded(type: Type, bytes: Buffer): readonly string[] | string {
  try {
    return recordMembers(type, type.fromBuffer(bytes));
  } catch (error) {
    return (error as Error).message;
  }
}

function namesOf(type: Type): readonly string[] {
  return (type as Type & { readonly fields: readonly { readonly name: string }[] }).fields.map((field) => field.name);
}

function schemaIds(batch: RecordBatch): ReadonlySet<number> {
  const ids = new Set<number>();
  const cursor = new RecordCursor(batch);
  while (cursor.next())
    if (cursor.value_to - cursor.value_from >= HEAD_BYTES && cursor.bytes[cursor.value_from] === 0)
      ids.add(cursor.bytes.readUInt32BE(cursor.value_from + 1));
  return ids;
}
