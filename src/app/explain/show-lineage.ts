import { DataflowError } from '../../core/errors/dataflow-error.ts';
import {
  type ColumnEdge,
  columnEdges,
  type Direction,
  type TableLineage,
  tablesFrom,
} from '../../core/lineage/project-lineage.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import { matchesGlob } from '../../kit/glob.ts';
import { nameHint } from '../../kit/name-list.ts';
import type { Rooms } from '../rooms.ts';
import { buildLineage } from './build-lineage.ts';

/** What is asked for. */
export interface LineageQuestion {
  /** A table or `table.column`; absent = the whole project. */
  readonly target?: string;
  /** Absent = both ways. */
  readonly direction?: Direction;
}

/** The part of the project's lineage that the question is about. */
export interface LineageReport {
  readonly target?: { readonly table: string; readonly column?: string };
  readonly direction?: Direction;
  /** In the order of the pipeline. */
  readonly tables: readonly TableLineage[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly kind: 'rows' | 'reference' }[];
  readonly column_edges: readonly ColumnEdge[];
}

/** The lineage of the whole project, by its definition of today. Opens the engine; reads no data. */
export async function projectLineage(rooms: Rooms, project: Project): Promise<readonly TableLineage[]> {
  return (await linedUp(rooms, project)).tables;
}

/** The same, with the version of the engine. */
export async function linedUp(
  rooms: Rooms,
  project: Project,
): Promise<{ readonly tables: readonly TableLineage[]; readonly engine_version: string }> {
  const [checks, lake] = [await rooms.checks(), await rooms.openLake(project)];
  const engine = await rooms.openEngine(project);
  try {
    const session = await engine.openSession({ label: 'lineage' });
    try {
      const tables = await buildLineage({ graph: buildGraph(project, checks), checks, lake, session });
      return {
        tables: [
          ...tables,
          ...streamLineage(project, tables),
          ...loadLineage(project, tables),
          ...mirrorLineage(project, tables),
        ],
        engine_version: engine.version,
      };
    } finally {
      await session.close();
    }
  } finally {
    await engine.close();
  }
}

/** Streams take every column of their table as it is. */
function streamLineage(project: Project, tables: readonly TableLineage[]): readonly TableLineage[] {
  return Object.entries(project.streams ?? {}).map(([name, { from }]) =>
    takenFrom(
      tables.find((one) => one.table === from),
      from,
      `stream.${name}`,
    ),
  );
}

/** Loads take the columns that they name, or all, under the names that they have at the destination. */
function loadLineage(project: Project, tables: readonly TableLineage[]): readonly TableLineage[] {
  return Object.entries(project.loads ?? {}).flatMap(([name, { tables: patterns, overrides }]) =>
    tables
      .filter(({ table }) => patterns.some((pattern) => matchesGlob(pattern, table)))
      .map((table) => {
        const { as = table.table.slice(table.table.indexOf('.') + 1), columns } = overrides[table.table] ?? {};
        return takenFrom(table, table.table, `load.${name}/${as}`, columns);
      }),
  );
}

/** A destination that takes columns of a table as they are. @param names column → its name there; absent: all */
function takenFrom(
  table: TableLineage | undefined,
  from: string,
  destination: string,
  names?: Readonly<Record<string, string>>,
): TableLineage {
  const known = new Map(Object.entries(names ?? {}).map(([column, as]) => [column.toLowerCase(), as]));
  const columns = (table?.columns ?? []).flatMap(({ name }) => {
    const as = names === undefined ? name : known.get(name.toLowerCase());
    return as === undefined ? [] : [{ name: as, origins: [{ table: from, column: name, way: 'identity' as const }] }];
  });
  return {
    ...{ table: destination, inputs: [from], references: [], columns, rows: [], unresolved: [] },
    types: table?.types ?? {},
  };
}

/** Mirrors take their tables as they are; column by column there is nothing to tell. */
function mirrorLineage(project: Project, tables: readonly TableLineage[]): readonly TableLineage[] {
  return Object.entries(project.mirrors ?? {}).map(([name, spec]) => ({
    table: `mirror.${name}`,
    inputs: tables
      .map(({ table }) => table)
      .filter((table) => spec.tables.some((pattern) => matchesGlob(pattern, table))),
    references: [],
    columns: [],
    types: {},
    rows: [],
    unresolved: [],
  }));
}

/** Answers a question about the lineage. @throws DataflowError E_USAGE for a table or column that the project does not have. */
export function showLineage(tables: readonly TableLineage[], question: LineageQuestion): LineageReport {
  const target = question.target === undefined ? undefined : targetOf(tables, question.target);
  const ways: readonly Direction[] =
    question.direction === undefined ? ['upstream', 'downstream'] : [question.direction];
  let edges = columnEdges(tables);
  let wanted = new Set(tables.map((one) => one.table));
  if (target?.column !== undefined) {
    edges = ways.flatMap((way) => reachable(edges, { table: target.table, column: target.column ?? '' }, way));
    wanted = new Set([target.table, ...edges.flatMap((edge) => [edge.from.table, edge.to.table])]);
  } else if (target !== undefined) {
    wanted = new Set([target.table, ...ways.flatMap((way) => tablesFrom(tables, new Set([target.table]), way))]);
    edges = edges.filter((edge) => wanted.has(edge.from.table) && wanted.has(edge.to.table));
  }
  const shown = tables.filter((one) => wanted.has(one.table));
  return {
    ...(target === undefined ? {} : { target }),
    ...(question.direction === undefined ? {} : { direction: question.direction }),
    tables: shown,
    edges: shown
      .flatMap((table) => [
        ...table.inputs.map((from) => ({ from, to: table.table, kind: 'rows' as const })),
        ...table.references
          .filter((from) => !table.inputs.includes(from))
          .map((from) => ({ from, to: table.table, kind: 'reference' as const })),
      ])
      .filter((edge) => wanted.has(edge.from)),
    column_edges: edges,
  };
}

/** Edges on the ways from one column, in one direction. */
function reachable(
  edges: readonly ColumnEdge[],
  start: { readonly table: string; readonly column: string },
  direction: Direction,
): readonly ColumnEdge[] {
  const [near, far] = direction === 'upstream' ? (['to', 'from'] as const) : (['from', 'to'] as const);
  const key = (one: { readonly table: string; readonly column: string }): string =>
    JSON.stringify([one.table, one.column.toLowerCase()]);
  const by = grouped(edges, (edge) => key(edge[near]));
  const seen = new Set([key(start)]);
  const found: ColumnEdge[] = [];
  for (let front = [key(start)]; front.length > 0; ) {
    const reached = front.flatMap((one) => by.get(one) ?? []);
    found.push(...reached);
    front = [...new Set(reached.map((edge) => key(edge[far])))].filter((one) => !seen.has(one));
    for (const one of front) seen.add(one);
  }
  return found;
}

function grouped<T>(all: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(key(one));
    if (group === undefined) groups.set(key(one), [one]);
    else group.push(one);
  }
  return groups;
}

function targetOf(tables: readonly TableLineage[], text: string): { table: string; column?: string } {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const [layer = '', name = '', ...rest] = text.split('.');
  const table =
    tables.find((one) => same(one.table, `${layer}.${name}`)) ??
    (name === ''
      ? tables.findLast((one) => !/^(stream|load)\./.test(one.table) && same(one.table.split('.')[1] ?? '', layer))
      : undefined);
  if (table === undefined) {
    throw new DataflowError('E_USAGE', `there is no table ${text}`, {
      hint:
        tables.length === 0
          ? 'The project has no table yet.'
          : nameHint(
              text,
              tables.map((one) => one.table),
            ),
    });
  }
  if (rest.length === 0) return { table: table.table };
  const column = table.columns.find((one) => same(one.name, rest.join('.')));
  if (column === undefined) {
    throw new DataflowError('E_USAGE', `${table.table} has no column ${rest.join('.')}`, {
      hint: `Its columns are ${table.columns.map((one) => one.name).join(', ')}.`,
    });
  }
  return { table: table.table, column: column.name };
}
