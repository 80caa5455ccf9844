import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { EngineColumn, EngineSession } from '../../core/ports/engine.ts';
import type { RowCondition } from '../../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { nowIso, type StepContext } from '../context.ts';

export type SilverNode = Extract<Node, { layer: 'silver' }>;
export type SilverStep = StepContext<SilverNode>;

/** Columns that say where a row stands in the order of arrival: source, data file, position in it. */
export const POSITION = ['_src', '_part', '_pos'] as const;

/**
 * Beside the position: the file it came from, and for rows that were in quarantine before their line, quarantine id, content as it was
 * rejected, and whether they were discarded.
 */
const ORIGIN = ['_file', '_line', '_qid', '_was', '_discarded'] as const;

/** What `_rule` says of a row that was discarded: it stays out, whatever the rules say today. */
export const DISCARDED = 0;

/** The source's own columns travel under this prefix, so that a rejected row is kept as it was. Costs nothing for good rows. */
const RAW = '_raw__';

/** A rule ready to be put into SQL. `index` counts from 1 in the order of the configuration. */
export interface BoundRule {
  readonly index: number;
  readonly name: string;
  readonly severity: 'fail' | 'warn';
  readonly condition: RowCondition;
  readonly broken: string;
}

/** The views of one silver step, in order: `src` → `picked` → (`checked`). */
export interface SilverViews {
  /** Output columns of `select`, in order, as the engine types them. */
  readonly columns: readonly EngineColumn[];
  readonly rules: readonly BoundRule[];
  /** SQL expression: the row as it was in the source, as JSON. */
  readonly raw: string;
  /** Decisions about rejected rows were applied to `src`. */
  readonly decided: boolean;
  /** Picked rows plus `_rule`, the index of the first broken rule (NULL = good), over any subset of `picked`. */
  checkedOver(picked: string): string;
}

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
  await session.define('picked', picked);
  const columns = described.filter((column) => !isInternal(column.name));
  const rules = bindRules(step, columns);
  await defineReferences(step, session, rules);
  const fail = rules.filter((rule) => rule.severity === 'fail');
  const cases = [
    ...(decided ? [`when _discarded then ${DISCARDED}`] : []),
    ...fail.map((r) => `when ${r.broken} then ${r.index}`),
  ];
  const verdict = cases.length === 0 ? 'cast(null as integer)' : `case ${cases.join(' ')} end`;
  const joins = referenceJoins(rules);
  const checkedOver = (subset: string): string =>
    `select picked.*, ${verdict} as _rule from ${subset} as picked${joins}`;
  await session.define('checked', checkedOver('picked'));
  if (spec.key.length > 0) requireColumns(step, spec.key, columns, 'key');
  return { columns, rules, raw: `coalesce(_was, ${rawJsonSql(source_columns)})`, decided, checkedOver };
}

/** True for the columns that a row carries along beside those of its source. */
export function isInternal(name: string): boolean {
  return name.startsWith(RAW) || ([...POSITION, ...ORIGIN] as readonly string[]).includes(name);
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
  const rules: BoundRule[] = [];
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

function requireColumns(
  step: SilverStep,
  wanted: readonly string[],
  columns: readonly EngineColumn[],
  what: string,
): void {
  const known = new Set(columns.map((column) => column.name.toLowerCase()));
  const missing = wanted.filter((name) => !known.has(name.toLowerCase()));
  if (missing.length === 0) return;
  throw new DataflowError(
    'E_CONFIG_REFERENCE',
    `${step.node.key}: ${what} names ${missing.join(', ')}, which the table does not have`,
    {
      place: { file: step.run.project.config_file },
      hint: `Its columns are ${columns.map((column) => column.name).join(', ')}.`,
    },
  );
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

/** `silver.pays` as SQL. */
export function qualified(table: string): string {
  return table.split('.').map(quoteIdent).join('.');
}

/** SQL text: name of the rule that `_rule` stands for. */
export function ruleNameSql(rules: readonly BoundRule[]): string {
  return caseOf(rules, (rule) => quoteText(rule.name));
}

export function ruleReasonSql(rules: readonly BoundRule[]): string {
  return caseOf(rules, (rule) => rule.condition.reason);
}

export function ruleColumnSql(rules: readonly BoundRule[]): string {
  return caseOf(rules, (rule) => quoteText(rule.condition.columns.join(',')));
}

export function ruleRetryableSql(rules: readonly BoundRule[]): string {
  return caseOf(rules, (rule) => String(rule.condition.retryable));
}

function caseOf(rules: readonly BoundRule[], value: (rule: BoundRule) => string): string {
  if (rules.length === 0) return 'null';
  return `case _rule ${rules.map((rule) => `when ${rule.index} then ${value(rule)}`).join(' ')} end`;
}

/** The key of a row as JSON text, e.g. `["12"]`, to name rows in the quarantine. */
export function rowKeySql(key: readonly string[]): string {
  if (key.length === 0) return 'null';
  return `cast(to_json([${key.map((column) => `cast(${quoteIdent(column)} as varchar)`).join(', ')}]) as varchar)`;
}

/** SQL condition: no part of the key is NULL. */
export function keyPresentSql(key: readonly string[]): string {
  return key.map((column) => `${quoteIdent(column)} is not null`).join(' and ');
}

/** ORDER BY of duplicates, best row first, by the declared preference and then the order of arrival. */
export function preferenceSql(spec: SilverNode['spec']): string {
  const keep = spec.dedupe?.keep ?? 'last';
  const way = keep === 'first' ? 'asc' : 'desc';
  const by = spec.dedupe?.by;
  const first = by === undefined ? [] : [`${quoteIdent(by)} ${way} nulls last`];
  return [...first, ...POSITION.map((column) => `${column} ${way}`)].join(', ');
}

/** What the row looked like before anything was done to it, as JSON of texts: exact for every scalar type. */
export function rawJsonSql(columns: readonly EngineColumn[], prefix = RAW): string {
  const own = columns.filter((column) => !isInternal(column.name));
  const members = own.flatMap((column) => [
    quoteText(column.name),
    `cast(${quoteIdent(prefix + column.name)} as varchar)`,
  ]);
  return members.length === 0 ? "'{}'" : `cast(json_object(${members.join(', ')}) as varchar)`;
}

/** Columns of a row that was kept as JSON by {@link SilverViews.raw}, back in their types. */
export function unrawSql(columns: readonly Column[]): string {
  const own = columns.filter((column) => !isInternal(column.name));
  return own
    .map((column) => `cast(${memberSql('raw', column.name)} as ${column.type}) as ${quoteIdent(column.name)}`)
    .join(', ');
}

/** SQL text: a member of a JSON object, NULL when it is not there. */
export function memberSql(json: string, name: string): string {
  return `json_extract_string(${json}, ${quoteText(`$."${name.replaceAll('"', '\\"')}"`)})`;
}
