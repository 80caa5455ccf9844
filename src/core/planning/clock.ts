import type { CheckSpec } from '../model/project.ts';
import type { CheckComponent } from '../ports/rule.ts';
import type { Node } from './graph.ts';
import { clockReadIn } from './sql-refs.ts';

/** A check compares with the clock when it asks something else at another time. */
export function comparesWithClock({ check, params }: CheckSpec, checks: ReadonlyMap<string, CheckComponent>): boolean {
  const component = checks.get(check);
  const [early, late] = ['2001-01-01T00:00:00.000Z', '2002-02-02T00:00:00.000Z'].map((now_iso) => {
    try {
      const context = { columns: [], now_iso };
      return JSON.stringify([component?.row?.(params, context), component?.table?.(params, context)]);
    } catch {
      return undefined; // it wants to know the columns, which decide nothing about the clock
    }
  });
  return early !== late;
}

/** By what a step's SQL depends on the time of the run: `current_date`. Such a table is another one on another day, whatever its inputs. */
export function clockReadBy(node: Node): string | undefined {
  if (node.layer === 'bronze') return undefined;
  if (node.layer === 'gold') return clockReadIn(node.spec.sql);
  const { select, where, deleted_when } = node.spec;
  for (const sql of [...Object.values(select), where ?? '', deleted_when ?? '']) {
    const found = clockReadIn(sql);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The day, in UTC as everywhere in the engine, on which a step was computed, when it depends on that and today is another one. */
export function outdatedDay(
  node: Node,
  computed_at: string | undefined,
  now_ms: number,
): { readonly reads: string; readonly day: string } | undefined {
  const day = computed_at?.slice(0, 10);
  if (day === undefined || day === new Date(now_ms).toISOString().slice(0, 10)) return undefined;
  const reads = clockReadBy(node);
  return reads === undefined ? undefined : { reads, day };
}
