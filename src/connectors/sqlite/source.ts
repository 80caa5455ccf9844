import type { Outlook, PullContext, PulledSource } from '../../core/ports/pulled-source.ts';
import type { PulledSourceComponent } from '../../core/ports/source-component.ts';
import { shortHash } from '../../kit/ids.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type CursorPosition, isBelow, Seen } from './cursor.ts';
import { asked } from './driver.ts';
import { type SqliteOptions, schema } from './options.ts';
import { orderOf } from './order.ts';
import { newRows, pullChanges, pullSnapshot } from './pull.ts';
import { openRelation, type Relation, stampOf } from './relation.ts';

/** A table or query of a SQLite file: `type: sqlite`. */
export const component: PulledSourceComponent<SqliteOptions> = {
  type: 'sqlite',
  summary:
    'A table or query of a SQLite file: everything each time, or what is new by a cursor. The file is only read.',
  schema,
  open: (options) => sqliteSource(options),
};

function sqliteSource(options: SqliteOptions): PulledSource {
  const changes = options.cursor !== undefined;
  return {
    pulls: changes ? 'changes' : 'snapshot',
    asks: askedFor(options),
    columns: async ({ root }) => {
      const { db, columns } = openRelation(options, root);
      db.close();
      return columns;
    },
    look: async (context) => look(options, context),
    pull: (landing, context) => (changes ? pullChanges : pullSnapshot)(options, landing, context),
    probe: async ({ root }) => {
      const { db, columns, shown } = openRelation(options, root);
      db.close();
      return { ok: true, words: `${shown} has ${columns.length} columns` };
    },
    close: async () => undefined,
  };
}

function look(options: SqliteOptions, { root, position }: PullContext): Outlook {
  const stamp = stampOf(options, root);
  const before = (position ?? {}) as Partial<CursorPosition>;
  if (before.stamp === stamp) return { pending: 'none', records: 0, words: `nobody wrote to ${options.path} since` };
  const relation = openRelation(options, root);
  const { db, shown } = relation;
  try {
    if (options.cursor === undefined)
      return { pending: 'unknown', words: `${options.path} was written to since; all of it is taken` };
    const records = newRecords(options, relation, new Seen(before, options, shown));
    const words = `${records.toLocaleString('en-GB')} new ${records === 1 ? 'row' : 'rows'} in ${options.path}`;
    return { pending: records === 0 ? 'none' : 'some', records, words };
  } finally {
    db.close();
  }
}

/**
 * How many rows a pull would take. Up to the highest value taken each one is held against those that are known: an updated row leaves the
 * count of rows as it was.
 */
function newRecords(options: SqliteOptions, relation: Relation, seen: Seen): number {
  const column = options.cursor?.column ?? '';
  const { highest } = seen;
  const { inside } = orderOf(options, relation, seen);
  let records = 0;
  for (const { row, stray } of newRows(options, relation, seen)) {
    if (!stray && (highest === undefined || isBelow(highest, row[column] ?? null))) break;
    records += 1;
  }
  const beyond = highest === undefined ? inside : `${inside} and ${quoteIdent(column)} > ?`;
  const sql = `select count(*) as n from ${relation.from} where ${beyond}`;
  const row = asked(relation.shown, () => relation.db.prepare(sql).get(...(highest === undefined ? [] : [highest])));
  return records + Number((row as { readonly n: number }).n);
}

/** What a position counts for. */
function askedFor({ table, query, cursor }: SqliteOptions): string {
  const what = table === undefined ? `query ${shortHash(query ?? '')}` : `table ${table}`;
  return cursor === undefined ? what : `${what} by ${cursor.column}`;
}
