import { drawBelow } from './draw.ts';
import type { DataPlan, SourcePlan } from './plan-types.ts';

type Per = NonNullable<SourcePlan['per']>;

/**
 * Numbers of rows for each parent, in a form that needs no table. Parents come in groups of `max - min + 1`; in a group each number from `min`
 * to `max` occurs once, at a place that is drawn for the group. So the group, and the parent in it, follow from the row's number by
 * arithmetic, and rows can be computed in any order. The last group may be cut short; its parents are in ascending order.
 */
function groupOf(per: Per): { readonly parents: number; readonly rows: number } {
  const parents = per.max - per.min + 1;
  return { parents, rows: rowsOfFirst(parents, per) };
}

/** Rows of the first parents of a group when they are in ascending order of their numbers. */
function rowsOfFirst(parents: number, per: Per): number {
  return parents * per.min + (parents * (parents - 1)) / 2;
}

function rowsFor(parents: number, per: Per): number {
  const group = groupOf(per);
  return Math.floor(parents / group.parents) * group.rows + rowsOfFirst(parents % group.parents, per);
}

function parentsFor(rows: number, per: Per): number {
  const group = groupOf(per);
  const rest = rows % group.rows;
  let more = 0;
  while (rowsOfFirst(more, per) < rest) more += 1;
  return Math.floor(rows / group.rows) * group.parents + more;
}

/** Rows by source. A parent whose rows were not given gets as many as its child needs; a child never gets more than its parents yield. */
export function countRows(sources: readonly SourcePlan[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const source of sources.toReversed()) {
    const child = sources.find((one) => one.per?.source === source.name && rows.has(one.name));
    const needed = child?.per === undefined ? undefined : parentsFor(rows.get(child.name) ?? 0, child.per);
    const own = source.rows ?? needed;
    if (own !== undefined) rows.set(source.name, own);
  }
  for (const source of sources) {
    if (source.per === undefined) continue;
    const possible = rowsFor(rows.get(source.per.source) ?? 0, source.per);
    rows.set(source.name, Math.min(rows.get(source.name) ?? possible, possible));
  }
  return rows;
}

/** SQL of the number of a row's parent; of the row's own number where there is none. */
export function parentSql(plan: DataPlan, source: SourcePlan, rows: ReadonlyMap<string, number>, row: string): string {
  const { per } = source;
  if (per === undefined) return row;
  const group = groupOf(per);
  const offset = `((${row} - 1) % ${group.rows})`;
  const b = 2 * per.min - 1;
  // Solves rowsOfFirst(place) <= offset for the place; at a limit the root is of a square number, hence exact.
  const place = `floor((sqrt(cast(${b * b} + 8 * ${offset} as double)) - ${b}) / 2)::bigint`;
  const turn = `${drawBelow(plan, `((${row} - 1) // ${group.rows})`, `${source.name}#`, group.parents)}::bigint`;
  const full = Math.floor((rows.get(source.name) ?? 0) / group.rows) * group.rows;
  const turned = `(${place} + case when ${row} <= ${full} then ${turn} else 0 end) % ${group.parents}`;
  return `((${row} - 1) // ${group.rows} * ${group.parents} + 1 + ${turned})`;
}
