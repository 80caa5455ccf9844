import type { CheckSpec, Project } from '../../core/model/project.ts';
import { parseDuration } from '../../kit/units.ts';

/** After which age of its newest publish a table is stale: what its tests named `freshness` allow, the shortest of them. In ms. */
export function staleLimits(project: Project): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  const add = (table: string, tests: readonly CheckSpec[]): void => {
    for (const { check, params } of tests) {
      const text = check === 'freshness' ? (params as { readonly max_age?: unknown }).max_age : undefined;
      const age_ms = typeof text === 'string' ? parseDuration(text) : undefined;
      if (age_ms !== undefined) limits.set(table, Math.min(age_ms, limits.get(table) ?? Number.POSITIVE_INFINITY));
    }
  };
  for (const [name, spec] of Object.entries(project.silver)) add(`silver.${name}`, spec.tests);
  for (const [name, spec] of Object.entries(project.gold)) add(`gold.${name}`, spec.tests);
  return limits;
}
