import type { ComponentType, LazyExoticComponent } from 'react';
import type { DashboardShape } from '../core/contract/dashboard.ts';
import type { Language } from './words/use-words.tsx';

/** What a view of a section is given. */
export interface SectionViewProps {
  /** What stood at the `{name}`s of its pattern. */
  readonly params: Readonly<Record<string, string>>;
  readonly dashboard: DashboardShape;
}

/** Pages that the program brings itself, besides those that a project declares. */
export interface Section {
  /** The address that the navigation leads to; the section is the current one on every address below it. */
  readonly path: string;
  readonly title: Readonly<Record<Language, string>>;
  /** Address patterns (route/match.ts), each with a view that is loaded when it is first shown: `lazy(async () => ({ default: (await import('./pipeline/runs.tsx')).Runs }))`. */
  readonly views: readonly {
    readonly pattern: string;
    readonly view: LazyExoticComponent<ComponentType<SectionViewProps>>;
  }[];
}

/** Sections in the order of the navigation, after the declared pages. */
export const SECTIONS: readonly Section[] = [];
