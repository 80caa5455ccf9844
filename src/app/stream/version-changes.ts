import { createHash } from 'node:crypto';
import type { Column } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { rowJson } from '../changes/row-json.ts';
import { bindSides, isUnique } from '../changes/version-sides.ts';

/** The step from one version of a table to another, as messages in an order that is always the same. */
export interface VersionChanges {
  /** Gives `op`, `key` and `value` (JSON text), in order. */
  readonly sql: string;
  readonly counts: Readonly<Record<Op, number>>;
  /** Of the statement: another key, other columns or another treatment of deletions give other messages in another order. */
  readonly digest: string;
}

export type Op = 'insert' | 'update' | 'delete';

/**
 * Compares two versions in the engine, data files that both have left out. With a key that is unique in both, a row is inserted, updated or deleted
 * by its key; otherwise rows are compared as they are, and none counts as updated.
 */
export async function versionChanges(
  session: EngineSession,
  before: Snapshot | undefined,
  after: Snapshot,
  options: { readonly key: readonly string[]; readonly deletions: boolean },
): Promise<VersionChanges> {
  await bindSides(session, before, after, after.columns);
  const { key } = options;
  const keyed = key.length > 0 && (await isUnique(session, key));
  const changes = keyed ? byKey(after.columns, key) : asBags(after.columns, key);
  const kept = options.deletions && keyed ? '' : ` where op <> 'delete'`;
  const statement = `select * from (${changes})${kept}`;
  await session.define('changes', statement);
  const rows = await session.rows('select op, count(*) as n from changes group by op');
  const count = (op: Op): number => Number(rows.find((row) => row['op'] === op)?.['n'] ?? 0);
  const sql = 'select op, key, value from changes order by key nulls first, value nulls first, op';
  return {
    sql,
    digest: createHash('sha256').update(`${statement};${sql}`).digest('hex').slice(0, 16),
    counts: { insert: count('insert'), update: count('update'), delete: count('delete') },
  };
}

function byKey(columns: readonly Column[], key: readonly string[]): string {
  const same = key.map((c) => `a.${quoteIdent(c)} is not distinct from b.${quoteIdent(c)}`).join(' and ');
  const others = columns.filter((column) => !key.includes(column.name)).map((column) => quoteIdent(column.name));
  const differs = others.map((c) => `a.${c} is distinct from b.${c}`);
  const changed = ['a._there is null', ...differs].join(' or ');
  return `select case when a._there is null then 'insert' else 'update' end as op, ${keyText(columns, key, 'b')} as key, ${rowJson(columns, 'b')} as value
    from b left join (select *, true as _there from a) a on ${same} where ${changed}
    union all
    select 'delete', ${keyText(columns, key, 'a')}, null from a where not exists (select 1 from b where ${same})`;
}

function asBags(columns: readonly Column[], key: readonly string[]): string {
  const list = columns.map((column) => quoteIdent(column.name)).join(', ');
  const text = key.length === 0 ? 'cast(null as varchar)' : keyText(columns, key, 'c');
  return `select 'insert' as op, ${text} as key, ${rowJson(columns, 'c')} as value from (select ${list} from b except all select ${list} from a) c`;
}

/** One column: its text. Several: a JSON object of them. */
function keyText(columns: readonly Column[], key: readonly string[], side: string): string {
  const [first] = key;
  if (key.length === 1 && first !== undefined) return `cast(${side}.${quoteIdent(first)} as varchar)`;
  return rowJson(
    key.flatMap((name) => columns.find((column) => column.name === name) ?? []),
    side,
  );
}
