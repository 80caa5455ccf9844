import type { Project, SilverSpec } from '../core/model/project.ts';
import type { EngineSession } from '../core/ports/engine.ts';
import type { Expected, ExpectedSilver } from '../core/ports/generator.ts';
import { defineRaw, type ExpectOptions, expectTable, referenceOf } from './expected-table.ts';
import type { SourcePlan } from './plan-types.ts';
import { numberedSql } from './source-sql.ts';

/**
 * Counts in the engine what a run over the generated data must find: rows per table, rejects per rule, duplicates. It follows the documented
 * order (where → select → rules → duplicates, or duplicates first) in SQL of its own and shares nothing with the code that builds the tables
 * but the rules themselves. Rows with a fault and a sample of the others are judged by every rule; if the sample is good, the rest need not
 * be looked at, apart from what they refer to: their values come from the same draw.
 */
export async function expectedOf(session: EngineSession, options: ExpectOptions): Promise<Expected> {
  const faults: Expected['faults'][number][] = [];
  const bronze: Record<string, Expected['bronze'][string]> = {};
  for (const source of options.context.plan.sources) {
    await defineRaw(session, options.context, source);
    const counts = await faultCounts(session, options, source);
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

async function faultCounts(session: EngineSession, { context }: ExpectOptions, source: SourcePlan) {
  const rows = await session.rows(`select f, count(*) as n from (${numberedSql(context, source)}) group by f`);
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

function whyUnknown(
  options: ExpectOptions,
  spec: SilverSpec,
  known: Readonly<Record<string, unknown>>,
): string | undefined {
  const missing = spec.from.find((source) => !options.context.plan.sources.some((one) => one.name === source));
  if (missing !== undefined) return `nothing was made for its source ${missing}`;
  if (spec.enrich !== undefined) return 'nobody knows beforehand what its lookups will find';
  for (const rule of spec.rules.filter((one) => one.check === 'references' && one.severity === 'fail')) {
    const table = referenceOf(rule);
    if (table === undefined || known[table] === undefined)
      return `rule ${rule.name} refers to a table that is not known either`;
  }
  return undefined;
}
