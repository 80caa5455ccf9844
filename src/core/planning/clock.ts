import type { CheckSpec } from '../model/project.ts';
import type { CheckComponent } from '../ports/rule.ts';

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
