import type { GraphTable } from '../../core/contract/pipeline.ts';

export const NODE = { width: 178, height: 44, across: 60, down: 14 } as const;

export interface Placed {
  readonly table: GraphTable;
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly nodes: readonly Placed[];
  readonly edges: readonly { readonly from: Placed; readonly to: Placed }[];
  readonly width: number;
  readonly height: number;
}

/** How often tables are put nearer to those that they are tied to. */
const SWEEPS = 6;

/**
 * Tables from left to right, each to the right of all that it reads; within a column near to what they are tied to, so that few lines cross.
 * Tables come after those that they read.
 */
export function layoutOf(tables: readonly GraphTable[]): Layout {
  const levels = columnsOf(tables);
  const readers = new Map<string, string[]>();
  for (const { table, parents } of tables)
    for (const parent of parents) readers.set(parent, [...(readers.get(parent) ?? []), table]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) arrange(levels, readers, sweep % 2 === 0);
  const tallest = Math.max(1, ...levels.map((level) => level.length));
  const step = NODE.height + NODE.down;
  const nodes = levels.flatMap((level, column) =>
    level.map((table, row) => ({
      table,
      x: column * (NODE.width + NODE.across),
      y: (row + (tallest - level.length) / 2) * step,
    })),
  );
  const places = new Map(nodes.map((node) => [node.table.table, node]));
  const edges = nodes.flatMap((to) =>
    to.table.parents.flatMap((parent) => {
      const from = places.get(parent);
      return from === undefined ? [] : [{ from, to }];
    }),
  );
  const width = Math.max(0, levels.length * (NODE.width + NODE.across) - NODE.across);
  return { nodes, edges, width, height: tallest * step - NODE.down };
}

function columnsOf(tables: readonly GraphTable[]): GraphTable[][] {
  const level = new Map<string, number>();
  for (const { table, parents } of tables)
    level.set(table, Math.max(0, ...parents.map((parent) => (level.get(parent) ?? -1) + 1)));
  const columns: GraphTable[][] = [];
  for (const table of tables) {
    const at = level.get(table.table) ?? 0;
    const column = columns[at] ?? [];
    column.push(table);
    columns[at] = column;
  }
  return columns.filter((column) => column.length > 0);
}

/** Orders each column by the middle of the places that its tables are tied to, going right by what they read, going left by who reads them. */
function arrange(levels: GraphTable[][], readers: ReadonlyMap<string, readonly string[]>, right: boolean): void {
  const places = (): Map<string, number> =>
    new Map(levels.flatMap((level) => level.map(({ table }, row) => [table, (row + 0.5) / level.length] as const)));
  const order = right ? levels.keys() : [...levels.keys()].reverse();
  for (const column of order) {
    const known = places();
    const middle = ({ table, parents }: GraphTable): number => {
      const tied = (right ? parents : (readers.get(table) ?? [])).flatMap((one) => known.get(one) ?? []);
      return tied.length === 0 ? (known.get(table) ?? 0) : tied.reduce((sum, one) => sum + one, 0) / tied.length;
    };
    levels[column]?.sort((a, b) => middle(a) - middle(b));
  }
}
