import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { TableLineage } from '../../core/lineage/project-lineage.ts';
import { type QueryLineage, queryLineage } from '../../core/lineage/query-lineage.ts';
import { silverLineage } from '../../core/lineage/silver-lineage.ts';
import { looksIntoTable } from '../../core/model/enrich.ts';
import { withHistory } from '../../core/model/history.ts';
import { type Column, parseTableKey, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { Graph, Node } from '../../core/planning/graph.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { CheckComponent, RowCondition } from '../../core/ports/rule.ts';
import { canonicalColumns, storedColumns } from '../../core/types/stored-columns.ts';
import { quoteIdent } from '../../kit/sql.ts';

type NodeOf<L extends Node['layer']> = Extract<Node, { layer: L }>;

/** What building the lineage needs; it reads table logs and no data file. */
export interface LineageContext {
  readonly graph: Graph;
  readonly checks: ReadonlyMap<string, CheckComponent>;
  readonly lake: Lake;
  readonly session: EngineSession;
}

/** The files of a source as a place that columns come from. */
export function sourceKey(name: string): string {
  return `source.${name}`;
}

/**
 * The lineage of every table of the project by its definition of today, sources first. Columns are asked of the engine by binding every
 * table empty, so nothing need have run; a table whose SQL does not fit says so under `unresolved`.
 */
export async function buildLineage(context: LineageContext): Promise<readonly TableLineage[]> {
  const known = new Map<string, readonly Column[]>();
  const made: TableLineage[] = [];
  for (const node of context.graph.nodes) {
    const lineage = await lineageOf(context, node, known);
    known.set(node.key, lineage.columns_of_table);
    await context.session.bind({ name: node.key, columns: lineage.columns_of_table, files: [] });
    if (node.layer === 'bronze') made.push(sourceLineage(node, lineage.columns_of_table));
    made.push(tableLineage(node, lineage));
  }
  return made;
}

interface Made extends QueryLineage {
  readonly columns_of_table: readonly Column[];
}

async function lineageOf(
  context: LineageContext,
  node: Node,
  known: ReadonlyMap<string, readonly Column[]>,
): Promise<Made> {
  if (node.layer === 'bronze') return bronzeLineage(context, node);
  try {
    return node.layer === 'silver'
      ? await silverOf(context, node, known)
      : await goldOf(context, node, (table) => known.get(table));
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    const columns_of_table = await publishedColumns(context, node);
    const columns = columns_of_table.map(({ name }) => ({ name, origins: [] }));
    return { columns_of_table, columns, rows: [], unresolved: [error.message] };
  }
}

async function publishedColumns({ lake }: LineageContext, node: Node): Promise<readonly Column[]> {
  return (await lake.snapshot({ layer: node.layer, name: node.name }))?.columns ?? [];
}

/** Bronze holds the source's columns as they are, and the file that each row came from. */
async function bronzeLineage(context: LineageContext, node: NodeOf<'bronze'>): Promise<Made> {
  const published = await publishedColumns(context, node);
  const declared = Object.entries(node.spec.columns ?? {}).map(([name, type]) => ({ name, type, nullable: true }));
  const file: Column = { name: SOURCE_FILE_COLUMN, type: 'varchar', nullable: true };
  const columns = published.length > 0 ? published : [...canonicalColumns(declared, node.key), file];
  const unresolved =
    published.length > 0 || declared.length > 0 ? [] : ['its columns: they are inferred from the first file'];
  return {
    columns_of_table: columns,
    columns: columns.map(({ name }) => ({
      name,
      origins:
        name === SOURCE_FILE_COLUMN ? [] : [{ table: sourceKey(node.name), column: name, way: 'identity' as const }],
    })),
    rows: [],
    unresolved,
  };
}

function sourceLineage(node: NodeOf<'bronze'>, bronze: readonly Column[]): TableLineage {
  const columns = bronze.filter((column) => column.name !== SOURCE_FILE_COLUMN);
  return {
    table: sourceKey(node.name),
    inputs: [],
    references: [],
    columns: columns.map(({ name }) => ({ name, origins: [] })),
    types: typesOf(columns),
    rows: [],
    unresolved: [],
  };
}

async function goldOf(
  { session }: LineageContext,
  node: NodeOf<'gold'>,
  columnsOf: (table: string) => readonly Column[] | undefined,
): Promise<Made> {
  const { sql } = node.spec;
  for (const table of node.inputs) await bindOther(session, table, columnsOf);
  const described = await session.describe(sql);
  const lineage = queryLineage(
    await session.syntaxOf(sql),
    (table) => columnsOf(keyIn(node.inputs, table))?.map((column) => column.name),
    described.map((column) => column.name),
  );
  return { ...lineage, columns_of_table: storedColumns(described, node.key) };
}

/** SQL may write a table's name in another case than the project. */
function keyIn(tables: readonly string[], name: string): string {
  return tables.find((table) => table.toLowerCase() === name.toLowerCase()) ?? name;
}

/** Quarantine tables are not made by a step; a model that reads one gets no columns from it here. */
async function bindOther(
  session: EngineSession,
  table: string,
  columnsOf: (table: string) => readonly Column[] | undefined,
): Promise<void> {
  if (columnsOf(table) === undefined && parseTableKey(table)?.layer !== 'quarantine') {
    await session.bind({ name: table, columns: [], files: [] });
  }
}

async function silverOf(
  context: LineageContext,
  node: NodeOf<'silver'>,
  known: ReadonlyMap<string, readonly Column[]>,
): Promise<Made> {
  const { session } = context;
  const { spec } = node;
  const sources = node.inputs.map((table) => ({
    table,
    columns: (known.get(table) ?? []).filter((column) => column.name !== SOURCE_FILE_COLUMN),
  }));
  const parts = sources.map(({ table, columns }) => `select ${listOf(columns)} from ${qualified(table)}`);
  await session.define('src', parts.join('\nunion all by name\n'));
  const united = await session.describe('select * from src');
  const picked = pickedSql(spec, united);
  const selected = await session.describe(picked);
  const described = [...selected, ...addedColumns(spec, known)];
  const added = described
    .slice(selected.length)
    .map(({ name, type }) => `cast(null as ${type}) as ${quoteIdent(name)}`);
  await session.define('picked', `select ${['*', ...added].join(', ')} from (${picked})`);
  const conditions = ruleConditions(context, spec, described);
  const broken = conditions.map((one) => one.broken.replaceAll('{alias}', 'true'));
  if (spec.deleted_when !== undefined) broken.push(`(${spec.deleted_when}\n)`);
  const judged = broken.length === 0 ? undefined : `select 1 from picked where ${broken.join('\n or ')}`;
  const lineage = silverLineage({
    spec,
    picked: await session.syntaxOf(picked),
    ...(judged === undefined ? {} : { judged: await session.syntaxOf(judged) }),
    references: conditions.flatMap(({ reference }) =>
      reference === undefined ? [] : [{ table: reference.table, column: reference.on }],
    ),
    sources: sources.map(({ table, columns }) => ({ table, columns: columns.map((column) => column.name) })),
    names: selected.map((column) => column.name),
  });
  return { ...lineage, columns_of_table: storedColumns(withHistory(spec, described), node.key) };
}

/** What lookups add, in the declared types, those of the other table, or as text. */
function addedColumns(
  { enrich = [] }: NodeOf<'silver'>['spec'],
  known: ReadonlyMap<string, readonly Column[]>,
): readonly Pick<Column, 'name' | 'type'>[] {
  return enrich.flatMap((lookup) => {
    const other = looksIntoTable(lookup) ? (known.get(lookup.table) ?? []) : [];
    return Object.entries(lookup.add).map(([name, { from, type }]) => {
      const found = other.find((column) => column.name.toLowerCase() === from.toLowerCase());
      return { name, type: type ?? found?.type ?? 'varchar' };
    });
  });
}

function pickedSql(spec: NodeOf<'silver'>['spec'], united: readonly { readonly name: string }[]): string {
  const named = new Map(Object.entries(spec.select).map(([column, sql]) => [column.toLowerCase(), { column, sql }]));
  const items = united.map(({ name }) => {
    const expression = named.get(name.toLowerCase());
    named.delete(name.toLowerCase());
    return expression === undefined ? quoteIdent(name) : `(${expression.sql}\n) as ${quoteIdent(expression.column)}`;
  });
  for (const { column, sql } of named.values()) items.push(`(${sql}\n) as ${quoteIdent(column)}`);
  return `select ${items.join(', ')} from src${spec.where === undefined ? '' : ` where (${spec.where}\n)`}`;
}

/** Rules that put rows aside; those that only warn decide nothing. */
function ruleConditions(
  { checks }: LineageContext,
  spec: NodeOf<'silver'>['spec'],
  columns: readonly { readonly name: string; readonly type: string }[],
): readonly RowCondition[] {
  const context = { columns, now_iso: '2000-01-01T00:00:00.000Z' };
  return spec.rules
    .filter((rule) => rule.severity === 'fail')
    .flatMap((rule) => checks.get(rule.check)?.row?.(rule.params, context) ?? []);
}

function tableLineage(node: Node, made: Made): TableLineage {
  const { columns_of_table, columns, rows, unresolved } = made;
  const inputs = node.layer === 'bronze' ? [sourceKey(node.name)] : node.inputs;
  return {
    table: node.key,
    inputs,
    references: node.references,
    columns,
    types: typesOf(columns_of_table),
    rows,
    unresolved,
  };
}

function typesOf(columns: readonly Column[]): Readonly<Record<string, string>> {
  return Object.fromEntries(columns.map((column) => [column.name, column.type]));
}

function listOf(columns: readonly Column[]): string {
  return columns.length === 0 ? 'null as _none' : columns.map((column) => quoteIdent(column.name)).join(', ');
}

function qualified(table: string): string {
  return table.split('.').map(quoteIdent).join('.');
}
