import { DataflowError } from '../errors/dataflow-error.ts';
import type { Column } from '../model/table.ts';
import type { EngineColumn } from '../ports/engine.ts';
import { storageOf } from './types.ts';

/**
 * The columns as the lake stores them, from the columns of a query. Columns that are stored already stay as they are.
 * @throws DataflowError E_TYPE_UNSUPPORTED naming the table and column; E_SQL when two columns have the same name.
 */
export function storedColumns(columns: readonly (EngineColumn & Partial<Column>)[], table: string): readonly Column[] {
  refuseTwins(columns, table);
  return columns.map((column) => {
    const { column_type, kept_as = column.kept_as } = storageOf(column.type, `${table}.${column.name}`);
    return { name: column.name, type: column_type, nullable: true, ...(kept_as === undefined ? {} : { kept_as }) };
  });
}

/** The same for declared columns. */
export function canonicalColumns(columns: readonly Column[], table: string): readonly Column[] {
  return storedColumns(columns, table);
}

/** Delta compares column names without case. */
function refuseTwins(columns: readonly EngineColumn[], table: string): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    const lower = name.toLowerCase();
    if (seen.has(lower)) {
      throw new DataflowError('E_SQL', `${table} has two columns named ${name}`, {
        hint: 'Give one of them another name with AS.',
      });
    }
    seen.add(lower);
  }
}
