import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Column } from '../../core/model/table.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { asked, type Database, openReadOnly } from './driver.ts';
import type { SqliteOptions } from './options.ts';
import { columnOf } from './values.ts';

/** The open database and what is read of it. */
export interface Relation {
  readonly db: Database;
  /** How messages name it. */
  readonly shown: string;
  /** What stands behind `from`. */
  readonly from: string;
  readonly columns: readonly Column[];
}

export function openRelation(options: Pick<SqliteOptions, 'path' | 'table' | 'query'>, root: string): Relation {
  const db = openReadOnly(resolve(root, options.path), options.path);
  try {
    const shown = `${options.path}: ${options.table ?? 'the query'}`;
    // In parentheses only a query can stand: nothing else is ever run.
    const from = options.table === undefined ? `(${options.query ?? ''}\n)` : quoteIdent(options.table);
    const columns = asked(shown, () => db.prepare(`select * from ${from}`).columns());
    return { db, shown, from, columns: columns.map(({ name, type }) => columnOf(name, type)) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Size, time and inode of the file and of its log: as long as they stay, nobody wrote. */
export function stampOf({ path }: SqliteOptions, root: string): string {
  const file = resolve(root, path);
  return [file, `${file}-wal`]
    .map((one) => {
      const stat = statSync(one, { bigint: true, throwIfNoEntry: false });
      return stat === undefined || stat.size === 0n ? '-' : `${stat.size}.${stat.mtimeNs}.${stat.ino}`;
    })
    .join(' ');
}
