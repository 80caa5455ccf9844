import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import type { SectionViewProps } from './section-view.ts';
import type { Language } from './words/use-words.tsx';

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
export const SECTIONS: readonly Section[] = [
  {
    path: '/pipeline',
    title: { en: 'Pipeline', fr: 'Pipeline' },
    views: [
      { pattern: '/pipeline', view: lazy(async () => ({ default: (await import('./pipeline/runs.tsx')).Runs })) },
      {
        pattern: '/pipeline/runs/{run_id}',
        view: lazy(async () => ({ default: (await import('./pipeline/run.tsx')).Run })),
      },
      {
        pattern: '/pipeline/tables',
        view: lazy(async () => ({ default: (await import('./pipeline/graph.tsx')).Graph })),
      },
      {
        pattern: '/pipeline/tables/{layer}/{table}',
        view: lazy(async () => ({ default: (await import('./pipeline/table.tsx')).TablePage })),
      },
      {
        pattern: '/pipeline/quarantine',
        view: lazy(async () => ({ default: (await import('./pipeline/quarantine.tsx')).Quarantine })),
      },
      { pattern: '/pipeline/ends', view: lazy(async () => ({ default: (await import('./pipeline/ends.tsx')).Ends })) },
      { pattern: '/pipeline/cost', view: lazy(async () => ({ default: (await import('./pipeline/cost.tsx')).Cost })) },
    ],
  },
];
