import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { EngineColumn } from '../../core/ports/engine.ts';
import type { TestResult } from '../../core/ports/ledger.ts';
import type { RowCondition } from '../../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import type { StepContext } from '../context.ts';

export type SilverNode = Extract<Node, { layer: 'silver' }>;
export type SilverStep = StepContext<SilverNode>;

/** Columns that say where a row stands in the order of arrival: source, data file, position in it. */
export const POSITION = ['_src', '_part', '_pos'] as const;

/**
 * Beside the position: the file it came from, and for rows that were in quarantine before their line, quarantine id, content as it was
 * rejected, and whether they were discarded.
 */
export const ORIGIN = ['_file', '_line', '_qid', '_was', '_discarded'] as const;

/** What `_rule` says of a row that was discarded: it stays out, whatever the rules say today. */
export const DISCARDED = 0;

/** The source's own columns travel under this prefix, so that a rejected row is kept as it was. Costs nothing for good rows. */
export const RAW = '_raw__';

const FAILURE = /^_enrich_\d+$/;

/** A row's column that says why lookup `index` (from 1) has nothing for it: NULL = nothing is wrong, empty = not known, since nobody may be asked. */
export function failureColumn(index: number): string {
  return `_enrich_${index}`;
}

/** A rule ready to be put into SQL. `index` counts from 1 in the order of the configuration. */
export interface BoundRule {
  readonly index: number;
  readonly name: string;
  readonly severity: 'fail' | 'warn';
  readonly condition: RowCondition;
  readonly broken: string;
}

/** The views of one silver step, in order: `src` → (`picked_0` → lookups →) `picked` → (`checked`). */
export interface SilverViews {
  /** Output columns of `select` and `enrich`, in order, as the engine types them. */
  readonly columns: readonly EngineColumn[];
  readonly rules: readonly BoundRule[];
  /** SQL expression: the row as it was in the source, as JSON. */
  readonly raw: string;
  /** What lookups asked and found. */
  readonly lookups: readonly TestResult[];
  /** Decisions about rejected rows were applied to `src`. */
  readonly decided: boolean;
  /** Picked rows plus `_rule`, the index of the first broken rule (NULL = good), over any subset of `picked`. */
  checkedOver(picked: string): string;
}

/** True for the columns that a row carries along beside those of its source. */
export function isInternal(name: string): boolean {
  return name.startsWith(RAW) || FAILURE.test(name) || ([...POSITION, ...ORIGIN] as readonly string[]).includes(name);
}

export function requireColumns(
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
  if (key.length === 0) return 'cast(null as varchar)';
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
