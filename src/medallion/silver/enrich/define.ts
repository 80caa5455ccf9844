import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { type EnrichSpec, keyColumnsOf, looksIntoTable } from '../../../core/model/enrich.ts';
import type { EngineColumn, EngineSession } from '../../../core/ports/engine.ts';
import type { TestResult } from '../../../core/ports/ledger.ts';
import { quoteIdent, quoteText } from '../../../kit/sql.ts';
import { failureColumn, requireColumns, type SilverStep } from '../sql.ts';
import { Answers, type LookupCount } from './answers.ts';
import { recalled } from './recall.ts';
import { tableSource } from './table.ts';
import { type LookupSource, typedSql } from './typed.ts';

/** Rows with their looked-up columns. */
export interface EnrichedRows {
  /** Name of the view. */
  readonly view: string;
  /** The selected columns and those that were added. */
  readonly columns: readonly EngineColumn[];
  /** What was asked and found, told beside the tests. */
  readonly told: readonly TestResult[];
}

/**
 * Adds the columns of `enrich:`, one lookup after the other, to the rows of the view `picked_0`. Each distinct key is looked up once; the
 * rows take their values by a join.
 * @param picked the selected columns.
 * @param decided decisions about rejected rows are bound in the session.
 * @throws DataflowError E_CONFIG_REFERENCE, E_LOOKUP_*, and what a system that is asked throws when it is down.
 */
export async function defineEnriched(
  step: SilverStep,
  session: EngineSession,
  picked: readonly EngineColumn[],
  decided: boolean,
): Promise<EnrichedRows> {
  const { enrich: specs = [] } = step.node.spec;
  let columns = picked;
  const told: TestResult[] = [];
  for (const [at, spec] of specs.entries()) {
    const index = at + 1;
    requireColumns(step, keyColumnsOf(spec), columns, spec.name);
    refuseTaken(step, spec, columns);
    const from = `picked_${at}`;
    if (looksIntoTable(spec)) {
      await session.define(`lookup_${index}`, typedSql(spec, await tableSource(step, session, spec, columns)));
    } else told.push(toldOf(spec, await ask(step, session, spec, index, { from, decided })));
    await session.define(`picked_${index}`, joinedSql(spec, index, from));
    const added = await session.describe(`select ${addedNames(spec).join(', ')} from picked_${index}`);
    columns = [...columns, ...added];
  }
  return { view: `picked_${specs.length}`, columns, told };
}

type AskedSpec = Exclude<EnrichSpec, { readonly table: string }>;

/** Defines `lookup_<index>` from answers. */
async function ask(
  step: SilverStep,
  session: EngineSession,
  spec: AskedSpec,
  index: number,
  { from, decided }: { readonly from: string; readonly decided: boolean },
): Promise<LookupCount> {
  const answers = new Answers(step, session, spec, index);
  await answers.gather(from, decided);
  const keys = spec.columns.map((_, i) => `k${i + 1}`);
  const places = [...new Set(Object.values(spec.add).map((added) => added.from))];
  const source: LookupSource = {
    from: `answers_${index}`,
    keys,
    value: (place) => `v${places.indexOf(place) + 1}`,
    failed: 'failed',
  };
  const typed = typedSql(spec, source);
  const misfits = `select * from (${typed}) where failed is not null and (${keys.join(', ')}) in (select (${keys.join(', ')}) from answers_${index} where failed is null)`;
  for await (const { rows } of session.stream(misfits))
    for (const row of rows)
      answers.misfit(
        keys.map((key) => String(row[key])),
        String(row['failed']),
      );
  const count = answers.settle();
  await session.define(`lookup_${index}`, await recalled(step, session, spec, index, typed));
  return count;
}

/** Every row of `from` once, with the values of its key. */
function joinedSql(spec: EnrichSpec, index: number, from: string): string {
  const columns = keyColumnsOf(spec).map((column) => `p.${quoteIdent(column)}`);
  const own = looksIntoTable(spec) ? columns : columns.map((column) => `cast(${column} as varchar)`);
  const same = own.map((column, i) => `${column} = l.k${i + 1}`).join(' and ');
  const values = Object.keys(spec.add).map((name, i) => `l.a${i + 1} as ${quoteIdent(name)}`);
  return `select p.*, ${values.join(', ')}, ${failureSql(spec, columns)} as ${failureColumn(index)}
    from ${from} as p left join lookup_${index} as l on ${same}`;
}

function failureSql(spec: EnrichSpec, columns: readonly string[]): string {
  const names = keyColumnsOf(spec);
  const missing = columns.map((column) => `${column} is null`).join(' or ');
  const no_key =
    spec.on_null === 'keep' ? 'null' : quoteText(`${names.join(', ')}: NULL, so there is nothing to look up`);
  const shown = columns.map(
    (column, i) => `${quoteText(`${i > 0 ? ', ' : ''}${names[i]} = `)} || left(cast(${column} as varchar), 80)`,
  );
  const key = shown.join(' || ');
  const unknown = looksIntoTable(spec) ? `${key} || ${quoteText(` is not in ${spec.table}`)}` : "''";
  const failed = spec.on_failure === 'keep' ? 'null' : `${key} || ': ' || l.failed`;
  return `cast(case when ${missing} then ${no_key} when l.k1 is null then ${spec.on_failure === 'keep' ? 'null' : unknown} else ${failed} end as varchar)`;
}

function addedNames(spec: EnrichSpec): readonly string[] {
  return Object.keys(spec.add).map(quoteIdent);
}

function refuseTaken(step: SilverStep, spec: EnrichSpec, columns: readonly EngineColumn[]): void {
  const names = Object.keys(spec.add).map((name) => name.toLowerCase());
  const taken = columns.find(({ name }) => names.includes(name.toLowerCase()));
  if (taken === undefined) return;
  throw new DataflowError(
    'E_CONFIG_REFERENCE',
    `${step.node.key}: ${spec.name} adds ${taken.name}, which is there already`,
    {
      place: { file: step.run.project.config_file },
      hint: 'Give the column that is added another name.',
    },
  );
}

function toldOf({ name, on_failure }: EnrichSpec, count: LookupCount): TestResult {
  const { keys, asked, remembered, failed, oldest_ms } = count;
  const n = (value: number): string => value.toLocaleString('en');
  const parts = [`${n(keys)} ${keys === 1 ? 'key' : 'keys'}`];
  if (asked > 0) parts.push(`${n(asked)} asked`);
  if (remembered > 0) parts.push(`${n(remembered)} remembered`);
  if (oldest_ms !== undefined) parts.push(`the oldest answer from ${new Date(oldest_ms).toISOString().slice(0, 16)}Z`);
  if (failed > 0) parts.push(`${n(failed)} without an answer`);
  const passed = failed === 0 || on_failure === 'quarantine';
  return { test: name, severity: 'warn', passed, failures: failed, message: parts.join(', ') };
}
