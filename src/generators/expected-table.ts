import type { CheckSpec, Project, SilverSpec } from '../core/model/project.ts';
import { parseTableKey } from '../core/model/table.ts';
import type { EngineColumn, EngineSession } from '../core/ports/engine.ts';
import type { ExpectedSilver } from '../core/ports/generator.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import { quoteIdent } from '../kit/sql.ts';
import { holdsText } from './fault-sql.ts';
import type { SourcePlan } from './plan-types.ts';
import { rawSql } from './source-sql.ts';
import type { ValueContext } from './value-sql.ts';

export interface ExpectOptions {
  readonly project: Project;
  readonly checks: ReadonlyMap<string, CheckComponent>;
  readonly context: ValueContext;
  /** What `not_future` compares with. */
  readonly now_iso: string;
}

/** So many of the first rows of a source are judged by every rule whether they have a fault or not. */
const SAMPLE_ROWS = 20_000;

/** `judged`: rows that every rule is asked about. `rest`: faultless rows like those of the sample. */
const PARTS = ['judged', 'rest'] as const;
type Part = (typeof PARTS)[number];

function raw(part: Part, source: string): string {
  return `_${part}_${source}`;
}

/** Defines the rows of a source as they are in its file, in two parts. */
export async function defineRaw(session: EngineSession, context: ValueContext, source: SourcePlan): Promise<void> {
  const judged = `(f <> 0 or i <= ${SAMPLE_ROWS})`;
  await session.define(raw('judged', source.name), rawSql(context, source, { where: judged, clean: false }));
  await session.define(raw('rest', source.name), rawSql(context, source, { where: `not ${judged}`, clean: true }));
}

/** The silver table that a `references` rule names. */
export function referenceOf(rule: CheckSpec): string | undefined {
  if (rule.check !== 'references' || rule.severity !== 'fail') return undefined;
  const table = parseTableKey(String((rule.params as { readonly table?: unknown }).table));
  return table?.layer === 'silver' ? table.name : undefined;
}

/** Rows of the sources that get into bronze, in order of arrival (`_src`, `_i`) and in their declared types, and their fault (`_f`). */
function arrivedSql(options: ExpectOptions, spec: SilverSpec, part: Part): string {
  const parts = spec.from.map((name, index) => {
    const source = options.context.plan.sources.find((one) => one.name === name);
    const columns = (source?.columns ?? []).map((column) => {
      const quoted = quoteIdent(column.name);
      return source !== undefined && column.type !== 'varchar' && holdsText(source, column)
        ? `try_cast(${quoted} as ${column.type}) as ${quoted}`
        : quoted;
    });
    const unparsable = (source?.faults ?? []).flatMap((fault, at) => (fault.unparsable ? [at + 1] : []));
    const where = unparsable.length === 0 ? '' : ` where f not in (${unparsable.join(', ')})`;
    return `select ${columns.join(', ')}, ${index} as _src, i as _i, f as _f from ${quoteIdent(raw(part, name))}${where}`;
  });
  return parts.join(' union all by name ');
}

/** Works out one silver table; the tables that it refers to must have been worked out before, in the same session. */
export async function expectTable(
  session: EngineSession,
  options: ExpectOptions,
  name: string,
  spec: SilverSpec,
): Promise<ExpectedSilver> {
  for (const part of PARTS) await definePicked(session, options, spec, part);
  const conditions = conditionsOf(options, spec, await session.describe('select * from _picked_judged'));
  const referred = referredColumns(options.project, name);
  const kept = [...new Set([...spec.key, ...(spec.dedupe?.by === undefined ? [] : [spec.dedupe.by]), ...referred])];
  await judge(session, kept, conditions);
  const losers = await findLosers(session, spec);
  await session.define('_good', 'select * from _verdicts anti join _losers using (_src, _i) where r is null');
  for (const column of referred) {
    const keys = `select distinct ${quoteIdent(column)} as k from _good where k is not null`;
    await session.materialize(keysOf(name, column), keys);
  }
  const [sizes] = await session.rows(
    `select (select count(*) from _arrived_judged) + (select count(*) from _arrived_rest) as arrived,
       (select count(*) from _verdicts) as picked`,
  );
  const by_rule = await countByRule(session, conditions);
  const rows_in = Number(sizes?.['arrived'] ?? 0);
  const picked = Number(sizes?.['picked'] ?? 0);
  const quarantined = Object.values(by_rule).reduce((sum, n) => sum + n, 0);
  const rows_out = picked - losers - quarantined;
  return { rows_in, rows_out, quarantined, deduplicated: losers, filtered: rows_in - picked, by_rule };
}

function keysOf(table: string, column: string): string {
  return `_keys_${table}_${column}`;
}

async function definePicked(
  session: EngineSession,
  options: ExpectOptions,
  spec: SilverSpec,
  part: Part,
): Promise<void> {
  await session.define(`_arrived_${part}`, arrivedSql(options, spec, part));
  const replaced = Object.entries(spec.select);
  const arrived = await session.describe(`select * from _arrived_${part}`);
  const passed = arrived
    .filter((column) => !replaced.some(([given]) => given.toLowerCase() === column.name.toLowerCase()))
    .map((column) => quoteIdent(column.name));
  const computed = replaced.map(([column, sql]) => `(${sql}\n) as ${quoteIdent(column)}`);
  const where = spec.where === undefined ? '' : ` where (${spec.where}\n)`;
  await session.define(
    `_picked_${part}`,
    `select ${[...passed, ...computed].join(', ')} from _arrived_${part}${where}`,
  );
}

/** Columns of a silver table that others refer to. */
function referredColumns(project: Project, name: string): readonly string[] {
  const columns = Object.values(project.silver).flatMap((spec) =>
    spec.rules
      .filter((rule) => referenceOf(rule) === name)
      .map((rule) => String((rule.params as { readonly on?: unknown }).on)),
  );
  return [...new Set(columns)];
}

/** One condition of a rule; `number` counts from 1 in the order in which they are tried. */
interface Condition {
  readonly number: number;
  readonly rule: string;
  readonly broken: string;
  /** Join that the condition needs. */
  readonly join: string | undefined;
}

function conditionsOf(
  options: ExpectOptions,
  spec: SilverSpec,
  columns: readonly EngineColumn[],
): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const rule of spec.rules.filter((one) => one.severity === 'fail')) {
    const parts = options.checks.get(rule.check)?.row?.(rule.params, { columns, now_iso: options.now_iso }) ?? [];
    for (const { broken, reference } of parts) {
      const number = conditions.length + 1;
      const keys = reference === undefined ? '' : keysOf(parseTableKey(reference.table)?.name ?? '', reference.on);
      const join =
        reference === undefined
          ? undefined
          : `left join ${quoteIdent(keys)} as _r${number} on _r${number}.k = _picked.${quoteIdent(reference.column)}`;
      conditions.push({
        number,
        rule: rule.name,
        broken: broken.replaceAll('{alias}', `(_r${number}.k is not null)`),
        join,
      });
    }
  }
  return conditions;
}

/**
 * Keeps, for every row, its place, what is needed of its columns and the number of the first condition that it breaks (`r`), in `_verdicts`.
 * If a faultless row of the sample breaks a rule, then others may: all rows are judged by all rules.
 */
async function judge(session: EngineSession, kept: readonly string[], conditions: readonly Condition[]): Promise<void> {
  const verdicts = (part: Part, some: readonly Condition[]): string => {
    const cases = some.map(({ broken, number }) => `when ${broken} then ${number}`).join(' ');
    const columns = [...kept.map((column) => `_picked.${quoteIdent(column)}`), '_src', '_i', '_f'];
    const joins = some.flatMap(({ join }) => join ?? []).join(' ');
    const verdict = some.length === 0 ? 'cast(null as integer)' : `case ${cases} end`;
    return `select ${columns.join(', ')}, ${verdict} as r from _picked_${part} as _picked ${joins}`;
  };
  const references = conditions.filter((one) => one.join !== undefined);
  await session.materialize(
    '_verdicts',
    `${verdicts('judged', conditions)} union all by name ${verdicts('rest', references)}`,
  );
  const own = conditions.filter((one) => one.join === undefined).map((one) => one.number);
  if (own.length === 0) return;
  const surprising = `select count(*) as n from _verdicts where _f = 0 and r in (${own.join(', ')})`;
  const [row] = await session.rows(surprising);
  if (Number(row?.['n'] ?? 0) === 0) return;
  const all = PARTS.map((part) => verdicts(part, conditions)).join(' union all by name ');
  await session.materialize('_verdicts', all);
}

async function countByRule(session: EngineSession, conditions: readonly Condition[]): Promise<Record<string, number>> {
  const by_rule: Record<string, number> = Object.fromEntries(conditions.map(({ rule }) => [rule, 0]));
  const rows = await session.rows(
    'select r, count(*) as n from _verdicts anti join _losers using (_src, _i) where r is not null group by r',
  );
  for (const row of rows) {
    const rule = conditions[Number(row['r']) - 1]?.rule;
    if (rule !== undefined) by_rule[rule] = (by_rule[rule] ?? 0) + Number(row['n']);
  }
  return by_rule;
}

/** Rows that give way to another one with the same key, in `_losers`; returns how many. */
async function findLosers(session: EngineSession, spec: SilverSpec): Promise<number> {
  const keep = spec.dedupe?.keep ?? 'last';
  const by = spec.dedupe?.by;
  const key = spec.key.map(quoteIdent).join(', ');
  if (key === '') return session.materialize('_losers', 'select 0 as _src, 0::bigint as _i where false');
  const contenders = spec.dedupe?.before_rules === true ? '' : ' and r is null';
  const present = spec.key.map((column) => `${quoteIdent(column)} is not null`).join(' and ');
  await session.materialize(
    '_repeated',
    `select ${key} from _verdicts where ${present}${contenders} group by all having count(*) > 1`,
  );
  const way = keep === 'first' ? 'asc' : 'desc';
  const first = by === undefined ? '' : `${quoteIdent(by)} ${way} nulls last, `;
  return session.materialize(
    '_losers',
    `select _src, _i from (
       select _src, _i, row_number() over (partition by ${key} order by ${first}_src ${way}, _i ${way}) as place
       from _verdicts semi join _repeated using (${key}) where true${contenders}) where place > 1`,
  );
}
