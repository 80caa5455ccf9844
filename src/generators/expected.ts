import type { CheckSpec, Project, SilverSpec } from '../core/model/project.ts';
import { parseTableKey } from '../core/model/table.ts';
import type { EngineColumn, EngineSession } from '../core/ports/engine.ts';
import type { Expected, ExpectedSilver } from '../core/ports/generator.ts';
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

/**
 * Counts in the engine what a run over the generated data must find: rows per table, rejects per rule, duplicates. It follows the documented
 * order (where → select → rules → duplicates, or duplicates first) in SQL of its own, in one go over all rows, and shares nothing with the
 * code that builds the tables but the rules themselves.
 */
export async function expectedOf(session: EngineSession, options: ExpectOptions): Promise<Expected> {
  const faults: Expected['faults'][number][] = [];
  const bronze: Record<string, Expected['bronze'][string]> = {};
  for (const source of options.context.plan.sources) {
    await session.define(`_raw_${source.name}`, rawSql(options.context, source));
    const counts = await faultCounts(session, source);
    faults.push(...counts.list);
    bronze[source.name] = {
      records: counts.records,
      rejected: counts.rejected,
      rows: counts.records - counts.rejected,
    };
  }
  const silver: Record<string, ExpectedSilver> = {};
  const unknown: Record<string, string> = {};
  for (const name of referencedFirst(options.project)) {
    const spec = options.project.silver[name];
    if (spec === undefined) continue;
    const reason = whyUnknown(options, spec, silver);
    if (reason !== undefined) unknown[name] = reason;
    else silver[name] = await expectTable(session, options, name, spec);
  }
  return { faults, bronze, silver, unknown };
}

async function faultCounts(session: EngineSession, source: SourcePlan) {
  const rows = await session.rows(`select f, count(*) as n from ${raw(source.name)} group by f order by f`);
  const byFault = new Map(rows.map((row) => [Number(row['f']), Number(row['n'])]));
  const list = source.faults.map(({ kind, column }, index) => ({
    source: source.name,
    kind,
    column,
    rows: byFault.get(index + 1) ?? 0,
  }));
  const records = [...byFault.values()].reduce((sum, n) => sum + n, 0);
  const rejected = source.faults.reduce(
    (sum, fault, index) => sum + (fault.unparsable ? (byFault.get(index + 1) ?? 0) : 0),
    0,
  );
  return { list, records, rejected };
}

function raw(source: string): string {
  return quoteIdent(`_raw_${source}`);
}

function referencedFirst(project: Project): readonly string[] {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name) || path.includes(name)) return;
    for (const rule of project.silver[name]?.rules ?? []) {
      const table = referenceOf(rule);
      if (table !== undefined) visit(table, [...path, name]);
    }
    done.add(name);
  };
  for (const name of Object.keys(project.silver)) visit(name, []);
  return [...done];
}

/** The silver table that a `references` rule names. */
function referenceOf(rule: CheckSpec): string | undefined {
  if (rule.check !== 'references' || rule.severity !== 'fail') return undefined;
  const table = parseTableKey(String((rule.params as { readonly table?: unknown }).table));
  return table?.layer === 'silver' ? table.name : undefined;
}

function whyUnknown(
  options: ExpectOptions,
  spec: SilverSpec,
  known: Readonly<Record<string, unknown>>,
): string | undefined {
  const missing = spec.from.find((source) => !options.context.plan.sources.some((one) => one.name === source));
  if (missing !== undefined) return `nothing was made for its source ${missing}`;
  for (const rule of spec.rules.filter((one) => one.check === 'references' && one.severity === 'fail')) {
    const table = referenceOf(rule);
    if (table === undefined || known[table] === undefined)
      return `rule ${rule.name} refers to a table that is not known either`;
  }
  return undefined;
}

/** Rows of the sources that get into bronze, in order of arrival and in their declared types. */
function sourceSql(options: ExpectOptions, spec: SilverSpec): string {
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
    return `select ${columns.join(', ')}, ${index} as _src, i as _i from ${raw(name)}${where}`;
  });
  return parts.join(' union all by name ');
}

async function expectTable(
  session: EngineSession,
  options: ExpectOptions,
  name: string,
  spec: SilverSpec,
): Promise<ExpectedSilver> {
  await session.define('_arrived', sourceSql(options, spec));
  const replaced = Object.entries(spec.select);
  const arrived = await session.describe('select * from _arrived');
  const passed = arrived
    .filter((column) => !replaced.some(([given]) => given.toLowerCase() === column.name.toLowerCase()))
    .map((column) => quoteIdent(column.name));
  const computed = replaced.map(([column, sql]) => `(${sql}\n) as ${quoteIdent(column)}`);
  const where = spec.where === undefined ? '' : ` where (${spec.where}\n)`;
  await session.define('_picked', `select ${[...passed, ...computed].join(', ')} from _arrived${where}`);
  const columns = await session.describe('select * from _picked');
  const verdicts = `_verdicts_${name}`;
  const kept = [
    ...new Set([
      ...spec.key,
      ...(spec.dedupe?.by === undefined ? [] : [spec.dedupe.by]),
      ...referredColumns(options.project, name),
    ]),
  ];
  const names = await judge(session, options, spec, { columns, verdicts, kept });
  const losers = await findLosers(session, spec, verdicts);
  const good = `select * from ${quoteIdent(verdicts)} anti join _losers using (_src, _i)`;
  const rows = await session.rows(`select r, count(*) as n from (${good}) group by r`);
  const by_rule: Record<string, number> = Object.fromEntries(names.map((rule) => [rule, 0]));
  let rows_out = 0;
  for (const row of rows) {
    const rule = row['r'] === null ? undefined : names[Number(row['r']) - 1];
    if (rule === undefined) rows_out += Number(row['n']);
    else by_rule[rule] = (by_rule[rule] ?? 0) + Number(row['n']);
  }
  for (const column of referredColumns(options.project, name)) {
    await session.materialize(
      `_keys_${name}_${column}`,
      `select distinct ${quoteIdent(column)} as k from (${good}) where r is null and k is not null`,
    );
  }
  const [sizes] = await session.rows(
    `select (select count(*) from _arrived) as arrived, (select count(*) from ${quoteIdent(verdicts)}) as picked`,
  );
  const rows_in = Number(sizes?.['arrived'] ?? 0);
  const quarantined = Object.values(by_rule).reduce((sum, n) => sum + n, 0);
  return {
    rows_in,
    rows_out,
    quarantined,
    deduplicated: losers,
    filtered: rows_in - Number(sizes?.['picked'] ?? 0),
    by_rule,
  };
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

interface Judging {
  readonly columns: readonly EngineColumn[];
  readonly verdicts: string;
  readonly kept: readonly string[];
}

/** Keeps, for every row, its place, its key and the number of the first rule it breaks (`r`); returns the rules' names by number. */
async function judge(
  session: EngineSession,
  options: ExpectOptions,
  spec: SilverSpec,
  { columns, verdicts, kept }: Judging,
): Promise<readonly string[]> {
  const names: string[] = [];
  const cases: string[] = [];
  const joins: string[] = [];
  for (const rule of spec.rules.filter((one) => one.severity === 'fail')) {
    const conditions = options.checks.get(rule.check)?.row?.(rule.params, { columns, now_iso: options.now_iso }) ?? [];
    for (const { broken, reference } of conditions) {
      const number = names.push(rule.name);
      const alias = `_r${number}`;
      cases.push(`when ${broken.replaceAll('{alias}', `(${alias}.k is not null)`)} then ${number}`);
      if (reference === undefined) continue;
      const keys = quoteIdent(`_keys_${parseTableKey(reference.table)?.name ?? ''}_${reference.on}`);
      joins.push(`left join ${keys} as ${alias} on ${alias}.k = _picked.${quoteIdent(reference.column)}`);
    }
  }
  const verdict = cases.length === 0 ? 'cast(null as integer)' : `case ${cases.join(' ')} end`;
  const columnsKept = kept.map((column) => `_picked.${quoteIdent(column)}`);
  await session.materialize(
    verdicts,
    `select ${[...columnsKept, '_src', '_i'].join(', ')}, ${verdict} as r from _picked ${joins.join(' ')}`,
  );
  return names;
}

/** Rows that give way to another one with the same key, in `_losers`; returns how many. */
async function findLosers(session: EngineSession, spec: SilverSpec, verdicts: string): Promise<number> {
  const keep = spec.dedupe?.keep ?? 'last';
  const by = spec.dedupe?.by;
  const key = spec.key.map(quoteIdent);
  if (key.length === 0) return session.materialize('_losers', 'select 0 as _src, 0::bigint as _i where false');
  const contenders = spec.dedupe?.before_rules === true ? '' : ' and r is null';
  const present = key.map((column) => `${column} is not null`).join(' and ');
  // The best row of each key by rank; with few duplicates this is cheaper than numbering the rows of every key.
  const table = quoteIdent(verdicts);
  await session.materialize(
    '_repeated',
    `select ${key.join(', ')} from ${table} where ${present}${contenders} group by all having count(*) > 1`,
  );
  const way = keep === 'first' ? 'asc' : 'desc';
  const order = [...(by === undefined ? [] : [`${quoteIdent(by)} ${way} nulls last`]), `_src ${way}`, `_i ${way}`].join(
    ', ',
  );
  return session.materialize(
    '_losers',
    `select _src, _i from (select _src, _i, row_number() over (partition by ${key.join(', ')} order by ${order}) as place
       from ${table} semi join _repeated using (${key.join(', ')}) where true${contenders}) where place > 1`,
  );
}
