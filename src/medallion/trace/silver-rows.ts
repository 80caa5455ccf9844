import { looksIntoTable } from '../../core/model/enrich.ts';
import { rowKeyOf } from '../../core/model/history.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { defineSilver } from '../silver/define.ts';
import { bindSources, wholeInput } from '../silver/input.ts';
import {
  DISCARDED,
  keyPresentSql,
  POSITION,
  preferenceSql,
  ruleNameSql,
  ruleReasonSql,
  type SilverStep,
  type SilverViews,
} from '../silver/sql.ts';

const AT = POSITION.join(', ');

/** The row pipeline of a silver table over all of its input, ready to be asked about single rows. */
export interface SilverRows {
  readonly step: SilverStep;
  readonly session: EngineSession;
  readonly views: SilverViews;
}

/** Binds the inputs at the versions of the step and defines the views; nothing is computed yet. */
export async function openSilverRows(step: SilverStep, session: EngineSession): Promise<SilverRows> {
  const source = await bindSources(step, session, wholeInput(step));
  const views = await defineSilver(step, session, source.columns, source.decided);
  return { step, session, views };
}

/**
 * The rows that compete for the keys in `keys` (a relation with the key's columns), best first: `_n` counts, and `_w…` is where the
 * winner stands. Under `before_rules` bad rows compete, too.
 */
function contestSql({ step, views }: SilverRows, keys: string): string {
  const { spec } = step.node;
  const key = rowKeyOf(spec).map(quoteIdent).join(', ');
  const rows = `(select * from picked where ${keyPresentSql(spec.key)} and (${key}) in (select (${key}) from ${keys}))`;
  const good = spec.dedupe?.before_rules === true ? '' : ' where _rule is null';
  const over = `(partition by ${key} order by ${preferenceSql(spec)})`;
  const winner = POSITION.map((column) => `first_value(${column}) over ${over} as _w${column}`).join(', ');
  return `select *, row_number() over ${over} as _n, ${winner} from (${views.checkedOver(rows)})${good}`;
}

/**
 * Finds the bronze rows that rows of the silver table are made of, and keeps them as `relation` (`_src`, `_part`, `_pos`, `_df_sure`). A row
 * with a key is the winner of its key; without a key it is every good row with the same values. Returns how many rows of
 * `wanted` were found in bronze.
 * @param wanted relation with the table's columns and `_df_sure`.
 */
export async function bronzeBehind(rows: SilverRows, wanted: string, relation: string): Promise<number> {
  const { step, session, views } = rows;
  const key = rowKeyOf(step.node.spec);
  const parts: string[] = [];
  const keyed = key.length > 0 ? keyPresentSql(step.node.spec.key) : 'false';
  if (key.length > 0) {
    await session.materialize(`${relation}_contest`, contestSql(rows, `(select * from ${wanted} where ${keyed})`));
    const same = key
      .map((column) => `c.${quoteIdent(column)} is not distinct from w.${quoteIdent(column)}`)
      .join(' and ');
    parts.push(
      `select c._src, c._part, c._pos, w._df_sure from ${relation}_contest as c join ${wanted} as w on ${same} where c._n = 1 and c._rule is null`,
    );
  }
  const equal = ownNames(rows).map((name) => `c.${quoteIdent(name)} is not distinct from w.${quoteIdent(name)}`);
  const keyless = `(select * from ${wanted} where not (${keyed}))`;
  const [row] = await session.rows(`select count(*) as n from ${keyless}`);
  if (Number(row?.['n']) > 0) {
    parts.push(
      `select c._src, c._part, c._pos, w._df_sure from (${views.checkedOver('picked')}) as c join ${keyless} as w on ${equal.join(' and ')} where c._rule is null`,
    );
  }
  return session.materialize(
    relation,
    parts.length === 0
      ? `select ${AT}, true as _df_sure from picked where false`
      : `select ${AT}, bool_or(_df_sure) as _df_sure from (${parts.join(' union all ')}) group by ${AT}`,
  );
}

/**
 * Selected columns. What a lookup added does not tell a row from another: an answer that changed meanwhile would make it look like another one.
 */
function ownNames({ step, views }: SilverRows): readonly string[] {
  const added = (step.node.spec.enrich ?? []).flatMap(({ add }) => Object.keys(add));
  return views.columns.map(({ name }) => name).filter((name) => !added.includes(name));
}

/** Rows of another table that had a say in the rows that are traced. */
export interface LookedUp {
  readonly table: string;
  /** SQL condition over its columns. */
  readonly where: string;
  /** Values of the row come from there; otherwise a rule only looked whether it is there. */
  readonly gave: boolean;
}

/** Rows of other tables that lookups took values from for the rows of `wanted`, and that rules looked into to let them pass. */
export function lookedUp(rows: SilverRows, wanted: string): readonly LookedUp[] {
  const lookups = (rows.step.node.spec.enrich ?? []).filter(looksIntoTable).map(({ table, on }) => {
    const names = Object.entries(on).map((pair) => pair.map(quoteIdent));
    const [own, other] = [names.map(([name]) => name).join(', '), names.map(([, name]) => name).join(', ')];
    return { table, where: `(${other}) in (select (${own}) from ${wanted})`, gave: true };
  });
  return [...lookups, ...lookedIntoByRules(rows, wanted)];
}

function lookedIntoByRules(rows: SilverRows, wanted: string): readonly LookedUp[] {
  return rows.views.rules.flatMap(({ severity, condition: { reference } }) =>
    reference === undefined || severity === 'warn' || reference.table === rows.step.node.key
      ? []
      : [
          {
            table: reference.table,
            where: `${quoteIdent(reference.on)} in (select ${quoteIdent(reference.column)} from ${wanted})`,
            gave: false,
          },
        ],
  );
}

/**
 * Keeps as `relation` what became of bronze rows (`from`: `_src`, `_part`, `_pos`): `_df_fate` (kept, deduplicated, quarantined,
 * discarded, filtered), `_df_rule` and `_df_reason`, the winner's place, and the row as it was selected.
 */
export async function fatesOf(rows: SilverRows, from: string, relation: string): Promise<void> {
  const { step, session, views } = rows;
  const { spec } = step.node;
  const columns = views.columns.map(({ name }) => quoteIdent(name)).join(', ');
  await session.materialize(
    `${relation}_judged`,
    `select ${columns}, ${AT}, _rule, ${ruleNameSql(views.rules)} as _rule_name, cast(${ruleReasonSql(views.rules)} as varchar) as _rule_reason
     from (${views.checkedOver(`(select * from picked where (${AT}) in (select (${AT}) from ${from}))`)})`,
  );
  let joined = `select *, cast(null as bigint) as _n, ${POSITION.map((one) => `cast(null as bigint) as _w${one}`).join(', ')} from ${relation}_judged`;
  if (spec.key.length > 0) {
    await session.materialize(`${relation}_contest`, contestSql(rows, `${relation}_judged`));
    const winner = POSITION.map((one) => `c._w${one}`).join(', ');
    joined = `select j.*, c._n, ${winner} from ${relation}_judged as j left join ${relation}_contest as c using (${AT})`;
  }
  const before = spec.dedupe?.before_rules === true;
  const out = `when j._rule = ${DISCARDED} then 'discarded' when j._rule is not null then 'quarantined'`;
  // A row that deletes its key wins it, and leaves no row behind.
  const gone = spec.deleted_when === undefined ? '' : ` when coalesce((${spec.deleted_when}\n), false) then 'filtered'`;
  const order = before ? `when j._n > 1 then 'deduplicated' ${out}` : `${out} when j._n > 1 then 'deduplicated'`;
  await session.materialize(
    relation,
    `select f._src, f._part, f._pos, case when j._pos is null then 'filtered' ${order}${gone} else 'kept' end as _df_fate,
       j._rule_name as _df_rule, j._rule_reason as _df_reason, ${POSITION.map((one) => `j._w${one} as _df_w${one}`).join(', ')},
       j.* exclude (${AT}, _rule, _rule_name, _rule_reason, _n, ${POSITION.map((one) => `_w${one}`).join(', ')})
     from ${from} as f left join (${joined}) as j on j._src = f._src and j._part = f._part and j._pos = f._pos`,
  );
}

/** SQL condition: a published row `p` is the row `f` that was kept. */
export function publishedAs(rows: SilverRows): string {
  const key = rowKeyOf(rows.step.node.spec);
  const names = key.length > 0 ? key : ownNames(rows);
  return names.map((name) => `p.${quoteIdent(name)} is not distinct from f.${quoteIdent(name)}`).join(' and ');
}
