import type { LiveState, TableDetail } from '../app/watch/live-state.ts';
import type { Tone } from './line.ts';

export const VIEWS = ['tables', 'graph', 'runs', 'quarantine', 'destinations', 'log'] as const;
export type View = (typeof VIEWS)[number];

/** A table that was opened, with what has been read of it so far. */
export interface OpenTable {
  readonly key: string;
  readonly scroll: number;
  readonly detail?: TableDetail;
  readonly why?: readonly string[];
  /** What could not be read, and why. */
  readonly problem?: string;
}

/** What is done after a yes. */
export type Action =
  | { readonly kind: 'command'; readonly words: readonly string[]; readonly shown: string }
  | { readonly kind: 'signal'; readonly run_id: string; readonly pid: number; readonly shown: string };

/** Where the person is. */
export interface UiState {
  readonly view: View;
  /** What is chosen in each view, by its name: a line that moves stays chosen. */
  readonly chosen: Readonly<Partial<Record<View, string>>>;
  readonly filter: string;
  /** The filter is being typed. */
  readonly typing: boolean;
  readonly open?: OpenTable;
  readonly help: boolean;
  readonly asked?: Action;
  readonly message?: { readonly text: string; readonly tone: Tone };
}

export const FIRST_UI: UiState = { view: 'tables', chosen: {}, filter: '', typing: false, help: false };

/** What can be chosen in a view: a name that tells it from the others, and what the filter looks at. */
export interface Item {
  readonly id: string;
  readonly text: string;
}

/** The items of a view that the filter lets through, in the order in which they are shown. */
export function itemsOf(state: LiveState, { view, filter }: Pick<UiState, 'view' | 'filter'>): readonly Item[] {
  const wanted = filter.toLowerCase();
  return allItems(state, view).filter(({ text }) => text.toLowerCase().includes(wanted));
}

function allItems(state: LiveState, view: View): readonly Item[] {
  switch (view) {
    case 'tables':
    case 'graph':
      return state.tables.map(({ key, state: how }) => ({ id: key, text: `${key} ${how}` }));
    case 'runs':
      return state.runs.map(({ run_id, status, command }) => ({ id: run_id, text: `${run_id} ${status} ${command}` }));
    case 'quarantine':
      return state.quarantine.map(({ table, rule }) => ({ id: `${table} ${rule}`, text: `${table} ${rule}` }));
    case 'destinations':
      return state.destinations.map(({ kind, name, state: how }) => ({
        id: `${kind} ${name}`,
        text: `${kind} ${name} ${how}`,
      }));
    case 'log':
      return state.log.map(({ at, text }, i) => ({ id: `${at} ${i}`, text }));
  }
}

/** Which of the items is chosen: the one that was, else the first; in the log the newest. */
export function chosenIndex(items: readonly Item[], ui: UiState): number {
  const found = items.findIndex((item) => item.id === ui.chosen[ui.view]);
  if (found >= 0) return found;
  return ui.view === 'log' ? Math.max(0, items.length - 1) : 0;
}
