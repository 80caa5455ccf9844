import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { keyColumnsOf } from '../../core/model/enrich.ts';
import type { EngineColumn, EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { nowIso } from '../context.ts';
import { defineEnriched } from './enrich/define.ts';
import {
  type BoundRule,
  DISCARDED,
  failureColumn,
  isInternal,
  ORIGIN,
  POSITION,
  qualified,
  RAW,
  rawJsonSql,
  requireColumns,
  type SilverNode,
  type SilverStep,
  type SilverViews,
} from './sql.ts';

/** Defines the row pipeline over the relation `src` (all input rows with their position and `_file`). */
export async function defineSilver(
  step: SilverStep,
  session: EngineSession,
  source_columns: readonly EngineColumn[],
  decided: boolean,
): Promise<SilverViews> {
  const { spec } = step.node;
  const picked = pickedSql(step, source_columns);
  const described = await describeOrExplain(step, session, picked);
  const selected = described.filter((column) => !isInternal(column.name));
  const enrich = spec.enrich ?? [];
  await session.define(enrich.length === 0 ? 'picked' : 'picked_0', picked);
  const enriched = enrich.length === 0 ? undefined : await defineEnriched(step, session, selected, decided);
  if (enriched !== undefined) await session.define('picked', `select * from ${enriched.view}`);
  const columns = enriched?.columns ?? selected;
  const rules = bindRules(step, columns);
  await defineReferences(step, session, rules);
  const fail = rules.filter((rule) => rule.severity === 'fail');
  const cases = [
    ...(decided ? [`when _discarded then ${DISCARDED}`] : []),
    // Nobody could be asked, so nobody can say what the rules would make of it.
    ...enrich.map((_, at) => `when ${failureColumn(at + 1)} = '' then null`),
    ...fail.map((r) => `when ${r.broken} then ${r.index}`),
  ];
  const verdict = cases.length === 0 ? 'cast(null as integer)' : `case ${cases.join(' ')} end`;
  const joins = referenceJoins(rules);
  const checkedOver = (subset: string): string =>
    `select picked.*, ${verdict} as _rule from ${subset} as picked${joins}`;
  await session.define('checked', checkedOver('picked'));
  if (spec.key.length > 0) requireColumns(step, spec.key, columns, 'key');
  return {
    columns,
    rules,
    raw: `coalesce(_was, ${rawJsonSql(source_columns)})`,
    lookups: enriched?.told ?? [],
    decided,
    checkedOver,
  };
}

function pickedSql(step: SilverStep, source_columns: readonly EngineColumn[]): string {
  const { spec } = step.node;
  const own = source_columns.filter((column) => !isInternal(column.name));
  const named = new Map(Object.entries(spec.select).map(([column, sql]) => [column.toLowerCase(), { column, sql }]));
  const items = own.map((column) => {
    const expression = named.get(column.name.toLowerCase());
    named.delete(column.name.toLowerCase());
    return expression === undefined
      ? quoteIdent(column.name)
      : `(${expression.sql}\n) as ${quoteIdent(expression.column)}`;
  });
  for (const { column, sql } of named.values()) items.push(`(${sql}\n) as ${quoteIdent(column)}`);
  const where = spec.where === undefined ? '' : ` where (${spec.where}\n)`;
  const raw = own.map((column) => `${quoteIdent(column.name)} as ${quoteIdent(RAW + column.name)}`);
  return `select ${[...items, ...raw, ...ORIGIN, ...POSITION].join(', ')} from src${where}`;
}

async function describeOrExplain(
  step: SilverStep,
  session: EngineSession,
  sql: string,
): Promise<readonly EngineColumn[]> {
  try {
    return await session.describe(sql);
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
    const culprit = await culpritOf(step, session);
    const what = culprit === undefined ? error.message : `select.${culprit.column}: ${culprit.message}`;
    throw new DataflowError('E_SQL', `${step.node.key}: ${what}`, {
      place: { file: step.run.project.config_file },
      cause: error,
    });
  }
}

/** Tries the expressions one by one, to name the one that is wrong. */
async function culpritOf(
  step: SilverStep,
  session: EngineSession,
): Promise<{ readonly column: string; readonly message: string } | undefined> {
  for (const [column, sql] of Object.entries(step.node.spec.select)) {
    try {
      await session.describe(`select (${sql}\n) from src`);
    } catch (error) {
      if (error instanceof DataflowError) return { column, message: error.message };
    }
  }
  return undefined;
}

function bindRules(step: SilverStep, columns: readonly EngineColumn[]): readonly BoundRule[] {
  const rules: BoundRule[] = lookupRules(step.node.spec);
  for (const use of step.node.spec.rules) {
    const component = step.run.checks.get(use.check);
    if (component?.row === undefined)
      throw new DataflowError('E_CONFIG_INVALID', `${step.node.key}: "${use.check}" cannot be used as a rule`);
    for (const condition of component.row(use.params, { columns, now_iso: nowIso(step.run) })) {
      requireColumns(step, condition.columns, columns, `rule ${use.name}`);
      const index = rules.length + 1;
      const broken = condition.broken.replaceAll('{alias}', `(_ref${index}.k is not null)`);
      rules.push({ index, name: use.name, severity: use.severity, condition, broken });
    }
  }
  return rules;
}

/** A row that a lookup has nothing for breaks a rule like any other; it is tried again, since there may be an answer later. */
function lookupRules({ enrich = [] }: SilverNode['spec']): BoundRule[] {
  return enrich.map((spec, at) => {
    const failure = failureColumn(at + 1);
    const broken = `(${failure} is not null)`;
    const condition = { broken, reason: failure, columns: keyColumnsOf(spec), retryable: true };
    return { index: at + 1, name: spec.name, severity: 'fail', condition, broken };
  });
}

/** One view of distinct, non-null keys for each referenced table. */
async function defineReferences(step: SilverStep, session: EngineSession, rules: readonly BoundRule[]): Promise<void> {
  for (const rule of rules) {
    const { reference } = rule.condition;
    if (reference === undefined) continue;
    const on = quoteIdent(reference.on);
    const table = reference.table === step.node.key ? 'picked' : qualified(reference.table);
    await session.define(`ref_${rule.index}`, `select distinct ${on} as k from ${table} where ${on} is not null`);
  }
}

function referenceJoins(rules: readonly BoundRule[]): string {
  return rules
    .flatMap(({ index, condition: { reference } }) =>
      reference === undefined
        ? []
        : [` left join ref_${index} as _ref${index} on picked.${quoteIdent(reference.column)} = _ref${index}.k`],
    )
    .join('');
}
