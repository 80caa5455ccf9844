import type { PageShape } from '../../core/contract/dashboard.ts';

/** Where a declared page stands. */
export function addressOf(page: PageShape): string {
  return `/d/${encodeURIComponent(page.id)}`;
}
