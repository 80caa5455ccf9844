import type { DashboardShape } from '../core/contract/dashboard.ts';

/** What a view of a section is given. */
export interface SectionViewProps {
  /** What stood at the `{name}`s of its pattern. */
  readonly params: Readonly<Record<string, string>>;
  readonly dashboard: DashboardShape;
}
