import type { Outline, SinkTable } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { Database } from './driver.ts';
import { sqliteColumn } from './sink-values.ts';

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  /** Place in the primary key, from 1; 0: not part of it. */
  readonly pk: number | bigint;
}

export function tableExists(db: Database, name: string): boolean {
  return columnsOf(db, name).length > 0;
}

function columnsOf(db: Database, name: string): readonly ColumnInfo[] {
  return db.prepare('select name, type, pk from pragma_table_info(?) order by cid').all(name) as ColumnInfo[];
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
  const was = key.length === 0 ? 'no key' : `the key (${key.join(', ')})`;
  const refused = [
    ...(String(key) === String(table.key.map((name) => name.toLowerCase()))
      ? []
      : [`the table has ${was}, and is to have ${table.key.length === 0 ? 'none' : `(${table.key.join(', ')})`}`]),
    ...narrowColumns(there, table),
  ];
  if (refused.length === 0) return { statements: addedColumns(db, table), remarks };
  return {
    statements: [`drop table ${quoteIdent(table.name)}`, creationOf(table), ...indexesOf(table)],
    remarks,
    refused: refused.join(', '),
  };
}

/** Declared types of a column that leave values of another type as they are; what is written into a column of any other SQLite converts. */
const UNTYPED = ['', 'BLOB'];
const TAKES: Readonly<Record<string, readonly string[]>> = {
  INTEGER: ['INTEGER', 'BOOLEAN', ...UNTYPED],
  BOOLEAN: ['INTEGER', 'BOOLEAN', ...UNTYPED],
  REAL: ['REAL', 'INTEGER', 'BOOLEAN', ...UNTYPED],
  TEXT: ['TEXT', ...UNTYPED],
  BLOB: ['INTEGER', 'BOOLEAN', 'REAL', 'TEXT', ...UNTYPED],
  '': UNTYPED,
};

/** Columns that would make other values of what is written into them: a text `007` in a column of numbers becomes 7. */
function narrowColumns(there: readonly ColumnInfo[], { columns }: SinkTable): readonly string[] {
  return columns.map(sqliteColumn).flatMap(({ name, type }) => {
    const found = there.find((column) => column.name.toLowerCase() === name.toLowerCase());
    if (found === undefined || TAKES[type]?.includes(found.type.toUpperCase()) === true) return [];
    const of = (one: string): string => (one === '' ? 'without a type' : one);
    return [`column ${name} is ${of(found.type)} there, and would have to be ${of(type)}`];
  });
}
