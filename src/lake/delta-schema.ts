import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Column } from '../core/model/table.ts';
import { storageOf, typeFromDelta } from '../core/types/types.ts';

/** A field of the schema string. */
export interface SchemaField {
  readonly name: string;
  readonly type: unknown;
  readonly nullable?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Column metadata in which the declared type of a column is kept, when the stored one says less. */
const KEPT_AS = 'dataflow.type';

/** @throws DataflowError E_LAKE_CORRUPT for a schema string that is not one. */
export function fieldsOf(schema: string, table: string): readonly SchemaField[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(schema);
  } catch {
    parsed = undefined;
  }
  const fields = typeof parsed === 'object' && parsed !== null && 'fields' in parsed ? parsed.fields : undefined;
  if (!Array.isArray(fields) || !fields.every(isField))
    throw new DataflowError('E_LAKE_CORRUPT', `${table} has an unreadable schema`);
  return fields;
}

function isField(value: unknown): value is SchemaField {
  return (
    typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string' && 'type' in value
  );
}

/** The columns of a schema string. @throws DataflowError E_LAKE_CORRUPT, or E_LAKE_FEATURE for a type we do not know. */
export function columnsOf(schema: string, table: string): readonly Column[] {
  return fieldsOf(schema, table).map((field) => {
    const kept_as = field.metadata?.[KEPT_AS];
    return {
      name: field.name,
      type: typeFromDelta(field.type),
      nullable: true,
      ...(typeof kept_as === 'string' ? { kept_as } : {}),
    };
  });
}

/** The schema string of columns. A field that the table has already keeps what others wrote into its metadata (comments). */
export function schemaString(columns: readonly Column[], known: readonly SchemaField[] = []): string {
  const before = new Map(known.map((field) => [field.name, field]));
  const fields = columns.map((column) => {
    const { delta, kept_as = column.kept_as } = storageOf(column.type, column.name);
    const { [KEPT_AS]: _, ...others } = before.get(column.name)?.metadata ?? {};
    return {
      name: column.name,
      type: delta,
      nullable: true,
      metadata: { ...others, ...(kept_as === undefined ? {} : { [KEPT_AS]: kept_as }) },
    };
  });
  return JSON.stringify({ type: 'struct', fields });
}

/** True when both stand for the same columns in the same order; what only others' metadata says does not count. */
export function sameColumns(schema: string, columns: readonly Column[], table: string): boolean {
  return JSON.stringify(columnsOf(schema, table)) === JSON.stringify(columnsOf(schemaString(columns), table));
}
