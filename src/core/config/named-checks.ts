import type { DataflowError } from '../errors/dataflow-error.ts';
import { lookupTablesOf } from '../model/enrich.ts';
import { HISTORY_COLUMNS } from '../model/history.ts';
import type { CheckSpec, SilverSpec } from '../model/project.ts';
import { parseTableKey } from '../model/table.ts';
import { type Components, connectionTypes } from './components.ts';
import { knownDashboard } from './named-dashboard.ts';
import { knownLookups } from './named-enrich.ts';
import { knownLake } from './named-lake.ts';
import { knownLoad } from './named-loads.ts';
import { knownMirror } from './named-mirrors.ts';
import { type Columns, knownColumn, meant, namesIn, placeable, type Situation, tablesIn } from './named-parts.ts';
import { knownServe } from './named-serve.ts';
import type { ProjectShape } from './schema.ts';
import { type ConfigTree, isContainer, type Path, problemAt } from './tree.ts';

/**
 * The rules that span several tables, applied when the shape of each is right: names that must exist, columns that must be among
 * the declared ones, references that must not run in a circle. Tables whose own shape is wrong still count as defined.
 */
export function namedChecks(tree: ConfigTree, shape: ProjectShape, components: Components): readonly DataflowError[] {
  const situation: Situation = { tree, shape, components, problems: [] };
  knownLake(situation);
  for (const name of Object.keys(shape.sources)) {
    generatedColumns(situation, name);
    knownConnection(situation, name);
  }
  for (const [name, spec] of Object.entries(shape.silver)) {
    knownSources(situation, name, spec);
    knownLookups(situation, name, spec, (table) => columnsOf(shape, table));
    const columns = columnsOf(shape, spec);
    if (columns !== undefined) knownColumns(situation, name, spec, columns);
    knownTables(situation, ['silver', name, 'rules'], spec.rules);
    knownTables(situation, ['silver', name, 'tests'], spec.tests);
  }
  for (const [name, spec] of Object.entries(shape.gold)) knownTables(situation, ['gold', name, 'tests'], spec.tests);
  for (const name of Object.keys(shape.streams)) knownStream(situation, name);
  for (const name of Object.keys(shape.loads)) knownLoad(situation, name);
  for (const name of Object.keys(shape.mirrors)) knownMirror(situation, name);
  knownServe(situation);
  knownDashboard(situation, (table) => columnsOfTable(shape, table));
  circles(situation);
  pricedBudget(situation);
  return situation.problems;
}

/** Money cannot be counted without a price. */
function pricedBudget({ tree, shape, problems }: Situation): void {
  if (shape.budget?.money === undefined || shape.price !== undefined) return;
  const hint = 'Add price:, such as { cpu_hour: 0.05 }.';
  problems.push(problemAt(tree, ['budget', 'money'], 'there is no price: to count money with', { hint }));
}

/** A source's `connection` exists and is of a type that the source can use. */
function knownConnection({ tree, shape, components, problems }: Situation, name: string): void {
  const { connection, type } = shape.sources[name] ?? {};
  if (connection === undefined || type === undefined) return;
  const path = ['sources', name, 'connection'];
  const names = namesIn(tree, 'connections');
  const component = components.sources.get(type);
  const types = (component === undefined ? undefined : connectionTypes(component, components)) ?? [];
  const found = shape.connections[connection];
  if (!names.includes(connection)) {
    const hint = meant(connection, names);
    const message = `there is no connection ${connection}`;
    problems.push(problemAt(tree, path, message, { code: 'E_CONFIG_REFERENCE', ...hint }));
  } else if (found !== undefined && !types.includes(found.type)) {
    const message = `${connection} is a connection of type ${found.type}; a source of type ${type} needs ${types.join(' or ')}`;
    problems.push(problemAt(tree, path, message, { code: 'E_CONFIG_REFERENCE' }));
  }
}

/** A stream's table exists, and its connection is one that takes messages. */
function knownStream({ tree, shape, components, problems }: Situation, name: string): void {
  const { from = '', connection = '' } = shape.streams[name] ?? {};
  const tables = tablesIn(tree);
  const refer = (key: string, message: string, hint: { readonly hint?: string } = {}) =>
    problems.push(problemAt(tree, ['streams', name, key], message, { code: 'E_CONFIG_REFERENCE', ...hint }));
  if (!tables.includes(from)) refer('from', `there is no table ${from}`, meant(from, tables));
  const names = namesIn(tree, 'connections');
  const type = shape.connections[connection]?.type;
  if (!names.includes(connection))
    refer('connection', `there is no connection ${connection}`, meant(connection, names));
  else if (type !== undefined && components.connections.get(type)?.publishes !== true)
    refer('connection', `${connection} is a connection of type ${type}, which takes no messages`);
}

/** `generate` may name only declared columns and sources: it makes values for nothing else. */
function generatedColumns(situation: Situation, name: string): void {
  const { tree, shape, problems } = situation;
  const { generate, columns } = shape.sources[name] ?? {};
  const base = ['sources', name, 'generate'];
  const sources = namesIn(tree, 'sources');
  const parent = generate?.per?.references;
  if (parent !== undefined && !sources.includes(parent)) {
    const hint = meant(parent, sources);
    const path = [...base, 'per', 'references'];
    problems.push(problemAt(tree, path, `there is no source ${parent}`, { code: 'E_CONFIG_REFERENCE', ...hint }));
  }
  if (columns === undefined) return;
  const known = new Map(Object.keys(columns).map((column) => [column.toLowerCase(), column]));
  for (const column of Object.keys(generate?.columns ?? {})) {
    knownColumn(situation, [...base, 'columns', column], column, known, `bronze.${name}`);
  }
}

function knownSources({ tree, problems }: Situation, name: string, spec: SilverSpec): void {
  const sources = namesIn(tree, 'sources');
  const asList = Array.isArray((tree.root['silver'] as Record<string, { from?: unknown }> | undefined)?.[name]?.from);
  for (const [i, source] of spec.from.entries()) {
    if (sources.includes(source)) continue;
    const path = ['silver', name, 'from', ...(asList ? [i] : [])];
    problems.push(
      problemAt(tree, path, `there is no source ${source}`, { code: 'E_CONFIG_REFERENCE', ...meant(source, sources) }),
    );
  }
}

function knownTables({ tree, components, problems }: Situation, list: Path, uses: readonly CheckSpec[]): void {
  if (uses.length === 0) return;
  const known = tablesIn(tree);
  for (const [i, use] of uses.entries()) {
    for (const table of components.checks.get(use.check)?.reads?.(use.params) ?? []) {
      const id = parseTableKey(table);
      if (known.includes(table) || id?.layer === 'quarantine') continue;
      const path = placeable(tree, [...list, i, use.check], 'table');
      problems.push(
        problemAt(tree, path, `there is no table ${table}`, { code: 'E_CONFIG_REFERENCE', ...meant(table, known) }),
      );
    }
  }
}

/** Columns of a table, where the configuration tells them: of a query it does not. */
function columnsOfTable(shape: ProjectShape, table: string): Columns | undefined {
  const silver = table.startsWith('silver.') ? shape.silver[table.slice('silver.'.length)] : undefined;
  return silver === undefined ? undefined : columnsOf(shape, silver);
}

/** Columns of a silver table; undefined when a source does not declare its own. */
function columnsOf(shape: ProjectShape, spec: SilverSpec): Columns | undefined {
  const columns = new Map<string, string>();
  for (const source of spec.from) {
    const declared = shape.sources[source]?.columns;
    if (declared === undefined) return undefined;
    for (const column of Object.keys(declared)) columns.set(column.toLowerCase(), column);
  }
  const added = (spec.enrich ?? []).flatMap(({ add }) => Object.keys(add));
  for (const column of [...Object.keys(spec.select), ...added]) columns.set(column.toLowerCase(), column);
  if (spec.history === true) for (const column of HISTORY_COLUMNS) columns.set(column, column);
  return columns;
}

function knownColumns(situation: Situation, name: string, spec: SilverSpec, columns: Columns): void {
  const { tree } = situation;
  const base = ['silver', name];
  const own = `silver.${name}`;
  for (const option of ['key', 'partition_by'] as const) {
    for (const [i, column] of spec[option].entries()) {
      knownColumn(situation, placeable(tree, [...base, option], i), column, columns, own);
    }
  }
  const { by } = spec.dedupe ?? {};
  if (by !== undefined) knownColumn(situation, [...base, 'dedupe', 'by'], by, columns, own);
  for (const list of ['rules', 'tests'] as const) {
    for (const [i, use] of spec[list].entries())
      columnsOfCheck(situation, [...base, list, i, use.check], use, columns, own);
  }
}

function columnsOfCheck(situation: Situation, at: Path, use: CheckSpec, columns: Columns, own: string): void {
  const { tree, shape, components } = situation;
  for (const [i, column] of (components.checks.get(use.check)?.columns?.(use.params) ?? []).entries()) {
    knownColumn(situation, placeable(tree, at, i, 'column'), column, columns, own);
  }
  for (const { table, on } of referencesOf(use)) {
    const target = table.startsWith('silver.') ? shape.silver[table.slice('silver.'.length)] : undefined;
    const known = target === undefined ? undefined : columnsOf(shape, target);
    if (known !== undefined) knownColumn(situation, placeable(tree, at, 'on'), on, known, table);
  }
}

/** A check whose parameters have `table` and `on` names a column of another table. */
function referencesOf(use: CheckSpec): readonly { readonly table: string; readonly on: string }[] {
  const { table, on } = (isContainer(use.params) ? use.params : {}) as { table?: unknown; on?: unknown };
  return typeof table === 'string' && typeof on === 'string' ? [{ table, on }] : [];
}

/** Silver tables that wait for each other (or themselves) through their lookups, rules and tests. */
function circles({ tree, shape, components, problems }: Situation): void {
  const readsOf = (name: string): readonly { readonly to: string; readonly path: Path }[] => [
    ...lookupTablesOf(shape.silver[name] ?? {})
      .filter((table) => table.startsWith('silver.'))
      .map((table) => ({ to: table.slice('silver.'.length), path: ['silver', name, 'enrich'] })),
    ...(['rules', 'tests'] as const).flatMap((list) =>
      (shape.silver[name]?.[list] ?? []).flatMap((use, i) =>
        (components.checks.get(use.check)?.reads?.(use.params) ?? [])
          .filter((table) => table.startsWith('silver.'))
          .map((table) => ({
            to: table.slice('silver.'.length),
            path: placeable(tree, ['silver', name, list, i, use.check], 'table'),
          })),
      ),
    ),
  ];
  const done = new Set<string>();
  const visit = (name: string, open: readonly string[]): void => {
    if (done.has(name) || shape.silver[name] === undefined) return;
    for (const { to, path } of readsOf(name)) {
      const chain = [...open, name];
      const start = chain.indexOf(to);
      if (start < 0) visit(to, chain);
      else if (!done.has(to)) {
        const circle = [...chain.slice(start), to].map((table) => `silver.${table}`).join(' → ');
        problems.push(
          problemAt(tree, path, `tables depend on each other in a circle: ${circle}`, { code: 'E_CONFIG_CYCLE' }),
        );
      }
    }
    done.add(name);
  };
  for (const name of Object.keys(shape.silver)) visit(name, []);
}
