import { quoteIdent } from '../../kit/sql.ts';
import type { Seen } from './cursor.ts';
import { asked } from './driver.ts';
import type { SqliteOptions } from './options.ts';
import type { Relation } from './relation.ts';

/**
 * Conditions on the rows that are in the order of the cursor, and on all others: `strays`. A column may hold anything; SQLite puts NULL before numbers,
 * these before texts, and texts before bytes. So one text among the numbers would stand above all of them for ever.
 */
export interface CursorOrder {
  readonly inside: string;
  readonly strays: string;
}

/** The order goes on with the kind of values that it began with: the one that most rows have. */
export function orderOf(options: SqliteOptions, relation: Relation, seen: Seen): CursorOrder {
  const cursor = quoteIdent(options.cursor?.column ?? '');
  return (seen.kind ?? mostFrequent(relation, cursor)) === 'number'
    ? { inside: `${cursor} < ''`, strays: `(${cursor} is null or ${cursor} >= '')` }
    : {
        inside: `${cursor} >= '' and ${cursor} < x''`,
        strays: `(${cursor} is null or ${cursor} < '' or ${cursor} >= x'')`,
      };
}

function mostFrequent({ db, from, shown }: Relation, cursor: string): 'number' | 'text' {
  const sql = `select count(*) filter (where typeof(${cursor}) = 'text') > count(*) filter (where typeof(${cursor}) in ('integer', 'real')) as yes from ${from}`;
  const row = asked(shown, () => db.prepare(sql).get());
  return Number((row as { readonly yes: number }).yes) === 1 ? 'text' : 'number';
}
