import type { MirrorItem } from '../../core/planning/mirror-plan.ts';
import type { MirrorLine } from './sync-report.ts';

/** In the order of their paths. */
export function linesOf(items: readonly MirrorItem[]): readonly MirrorLine[] {
  return items
    .map(({ mark, table, path, near, far, why }) => ({
      mark,
      table: table ?? null,
      path,
      size_bytes: near?.size_bytes ?? far?.size_bytes ?? 0,
      why,
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
