import type { Outline, SinkTable } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { Database } from './driver.ts';
import { sqliteColumn } from './sink-values.ts';

interface ColumnInfo {
  readonly name: string;
  /** Place in the primary key, from 1; 0: not part of it. */
  readonly pk: number | bigint;
}

export function tableExists(db: Database, name: string): boolean {
  return columnsOf(db, name).length > 0;
}

function columnsOf(db: Database, name: string): readonly ColumnInfo[] {
  return db.prepare('select name, pk from pragma_table_info(?) order by cid').all(name) as ColumnInfo[];
}

export function creationOf({ name, key, columns }: SinkTable): string {
  const parts = columns.map(sqliteColumn).map((column) => {
    const must = key.includes(column.name) ? ' not null' : '';
    return `${quoteIdent(column.name)}${column.type === '' ? '' : ` ${column.type}`}${must}`;
  });
  const primary = key.length === 0 ? [] : [`primary key (${key.map(quoteIdent).join(', ')})`];
  return `create table ${quoteIdent(name)} (${[...parts, ...primary].join(', ')})`;
}

export function indexesOf({ name, indexes }: SinkTable): readonly string[] {
  return indexes.map(
    (columns) =>
      `create index if not exists ${quoteIdent(`${name}_${columns.join('_')}`)} on ${quoteIdent(name)} (${columns.map(quoteIdent).join(', ')})`,
  );
}

/** Statements for columns and indexes that the table has not. */
export function addedColumns(db: Database, table: SinkTable): readonly string[] {
  const there = new Set(columnsOf(db, table.name).map((column) => column.name.toLowerCase()));
  const added = table.columns
    .filter((column) => !there.has(column.name.toLowerCase()))
    .map(sqliteColumn)
    .map(
      ({ name, type }) => `alter table ${quoteIdent(table.name)} add column ${`${quoteIdent(name)} ${type}`.trim()}`,
    );
  return [...added, ...indexesOf(table)];
}

/** What has to be done to a table before rows can go there. */
export function outlineOf(db: Database | undefined, table: SinkTable): Outline {
  const there = db === undefined ? [] : columnsOf(db, table.name);
  if (db === undefined || there.length === 0)
    return { statements: [creationOf(table), ...indexesOf(table)], remarks: [] };
  const wanted = new Set(table.columns.map((column) => column.name.toLowerCase()));
  const left = there.filter((column) => !wanted.has(column.name.toLowerCase())).map((column) => column.name);
  const remarks =
    left.length === 0
      ? []
      : [
          `${left.join(', ')} stay${left.length === 1 ? 's' : ''}, though the lake no longer has ${left.length === 1 ? 'it' : 'them'}`,
        ];
  const key = there
    .filter((column) => Number(column.pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map((column) => column.name.toLowerCase());
  if (String(key) === String(table.key.map((name) => name.toLowerCase())))
    return { statements: addedColumns(db, table), remarks };
  const was = key.length === 0 ? 'no key' : `the key (${key.join(', ')})`;
  return {
    statements: [`drop table ${quoteIdent(table.name)}`, creationOf(table), ...indexesOf(table)],
    remarks,
    refused: `the table has ${was}, and is to have ${table.key.length === 0 ? 'none' : `(${table.key.join(', ')})`}`,
  };
}
