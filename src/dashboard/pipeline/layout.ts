import type { GraphTable } from '../../core/contract/pipeline.ts';

export const NODE = { width: 202, height: 44, tall: 60, across: 40, down: 14 } as const;
/** Longer names take two lines, in all tables of a graph. */
const NAME_MAX = 23;
/** Room for a line that passes a column between its tables. */
const LANE_HEIGHT = 4;

export interface Placed {
  readonly table: GraphTable;
  readonly x: number;
  readonly y: number;
}

/** Where a line leaves its lane in a column that it passes. */
interface Bend {
  readonly x: number;
  readonly y: number;
}

export interface Edge {
  readonly from: Placed;
  readonly to: Placed;
  /** Columns between the two, which the line crosses from `x` on at height `y`. */
  readonly by: readonly Bend[];
}

export interface Layout {
  readonly nodes: readonly Placed[];
  readonly edges: readonly Edge[];
  readonly width: number;
  readonly height: number;
  /** Of a table. */
  readonly node_height: number;
}

/** What stands in a column: a table, or the lane of lines that go from one table to columns further right. */
interface Item {
  readonly key: string;
  readonly table: GraphTable | undefined;
  /** Keys of what it is tied to in the column before. */
  readonly before: readonly string[];
}

/** How often tables are put nearer to those that they are tied to. */
const SWEEPS = 6;

const laneOf = (table: string, column: number): string => `${table} ${column}`;

/**
 * Tables from left to right, each to the right of all that it reads; within a column near to what they are tied to, so that few lines cross.
 * A line that skips a column has a lane between the tables there, so that it is seen all the way. Tables come after those that they read.
 */
export function layoutOf(tables: readonly GraphTable[]): Layout {
  const level = levelsOf(tables);
  const columns = columnsOf(tables, level);
  const after = new Map<string, string[]>();
  for (const { key, before } of columns.flat())
    for (const one of before) after.set(one, [...(after.get(one) ?? []), key]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) arrange(columns, after, sweep % 2 === 0);
  const long = tables.some(({ table }) => (table.split('.')[1] ?? '').length > NAME_MAX);
  const node_height = long ? NODE.tall : NODE.height;
  const { nodes, lanes, height } = placed(columns, node_height);
  const places = new Map(nodes.map((node) => [node.table.table, node]));
  const edges = nodes.flatMap((to) =>
    to.table.parents.flatMap((parent) => {
      const from = places.get(parent);
      if (from === undefined) return [];
      const [first, last] = [(level.get(parent) ?? 0) + 1, level.get(to.table.table) ?? 0];
      const by = Array.from({ length: Math.max(0, last - first) }, (_, i) => lanes.get(laneOf(parent, first + i)));
      return [{ from, to, by: by.filter((one) => one !== undefined) }];
    }),
  );
  const width = Math.max(0, columns.length * (NODE.width + NODE.across) - NODE.across);
  return { nodes, edges, width, height, node_height };
}

/** The column of each table. */
function levelsOf(tables: readonly GraphTable[]): ReadonlyMap<string, number> {
  const level = new Map<string, number>();
  for (const { table, parents } of tables)
    level.set(table, Math.max(0, ...parents.map((parent) => (level.get(parent) ?? -1) + 1)));
  return level;
}

function columnsOf(tables: readonly GraphTable[], level: ReadonlyMap<string, number>): Item[][] {
  const columns: Item[][] = Array.from({ length: Math.max(0, ...level.values()) + 1 }, () => []);
  const lanes = new Set<string>();
  for (const table of tables) {
    const own = level.get(table.table) ?? 0;
    const before = table.parents.flatMap((parent) => {
      const from = level.get(parent);
      if (from === undefined) return [];
      for (let column = from + 1; column < own; column++) {
        const key = laneOf(parent, column);
        if (lanes.has(key)) continue;
        lanes.add(key);
        const last = column === from + 1 ? parent : laneOf(parent, column - 1);
        columns[column]?.push({ key, table: undefined, before: [last] });
      }
      return [own === from + 1 ? parent : laneOf(parent, own - 1)];
    });
    columns[own]?.push({ key: table.table, table, before });
  }
  return columns.filter((column) => column.length > 0);
}

/** Each column from top to bottom, its middle at the middle of the highest one. */
function placed(
  columns: readonly (readonly Item[])[],
  node_height: number,
): {
  readonly nodes: readonly Placed[];
  readonly lanes: ReadonlyMap<string, Bend>;
  readonly height: number;
} {
  const heightOf = ({ table }: Item): number => (table === undefined ? LANE_HEIGHT : node_height) + NODE.down;
  const heights = columns.map((column) => column.reduce((sum, item) => sum + heightOf(item), -NODE.down));
  const height = Math.max(0, ...heights);
  const nodes: Placed[] = [];
  const lanes = new Map<string, Bend>();
  for (const [i, column] of columns.entries()) {
    const x = i * (NODE.width + NODE.across);
    let y = (height - (heights[i] ?? 0)) / 2;
    for (const item of column) {
      if (item.table === undefined) lanes.set(item.key, { x, y: y + LANE_HEIGHT / 2 });
      else nodes.push({ table: item.table, x, y });
      y += heightOf(item);
    }
  }
  return { nodes, lanes, height };
}

/** Orders each column by the middle of the places that its items are tied to, going right by what is before them, going left by what is after. */
function arrange(columns: Item[][], after: ReadonlyMap<string, readonly string[]>, right: boolean): void {
  const order = right ? columns.keys() : [...columns.keys()].reverse();
  for (const column of order) {
    const known = new Map(
      columns.flatMap((items) => items.map(({ key }, row) => [key, (row + 0.5) / items.length] as const)),
    );
    const middle = ({ key, before }: Item): number => {
      const tied = (right ? before : (after.get(key) ?? [])).flatMap((one) => known.get(one) ?? []);
      return tied.length === 0 ? (known.get(key) ?? 0) : tied.reduce((sum, one) => sum + one, 0) / tied.length;
    };
    columns[column]?.sort((a, b) => middle(a) - middle(b));
  }
}
