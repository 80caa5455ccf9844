import type { LiveRun, LiveState } from '../app/watch/live-state.ts';
import { type Action, chosenIndex, itemsOf, type UiState, VIEWS } from './ui-state.ts';

/** A key as the terminal tells it: a name, or the sign that was typed. */
export interface Key {
  readonly name?:
    | 'up'
    | 'down'
    | 'left'
    | 'right'
    | 'pageup'
    | 'pagedown'
    | 'home'
    | 'end'
    | 'enter'
    | 'escape'
    | 'tab'
    | 'backspace';
  readonly sign?: string;
}

/** What a key leads to beside another look. */
export type Effect =
  | { readonly do: 'quit' }
  | { readonly do: 'open'; readonly table: string }
  | { readonly do: 'act'; readonly action: Action };

export interface Pressed {
  readonly ui: UiState;
  readonly effect?: Effect;
}

/** How far there is to move: lines of a page, and all lines of an opened table. */
export interface Extent {
  readonly page: number;
  readonly lines: number;
}

/** What a key does where the person is. */
export function press(ui: UiState, key: Key, state: LiveState, extent: Extent): Pressed {
  const calm = withoutMessage(ui);
  if (ui.asked !== undefined) return answered(calm, ui.asked, key);
  if (ui.typing) return { ui: typed(calm, key) };
  if (ui.help) return { ui: { ...calm, help: false } };
  return (
    general(calm, key, state) ??
    (calm.open === undefined ? moved(calm, key, state, extent.page) : scrolled(calm, key, extent))
  );
}

function withoutMessage({ message: _, ...rest }: UiState): UiState {
  return rest;
}

function answered({ asked: _, ...ui }: UiState, action: Action, { sign }: Key): Pressed {
  if (sign === 'y') return { ui, effect: { do: 'act', action } };
  return { ui: { ...ui, message: { text: 'not done', tone: 'dim' } } };
}

function typed(ui: UiState, { name, sign }: Key): UiState {
  if (name === 'enter') return { ...ui, typing: false };
  if (name === 'escape') return { ...ui, typing: false, filter: '' };
  if (name === 'backspace') return { ...ui, filter: ui.filter.slice(0, -1) };
  return sign === undefined ? ui : { ...ui, filter: ui.filter + sign };
}

function general(ui: UiState, { sign, name }: Key, state: LiveState): Pressed | undefined {
  const view = VIEWS[Number(sign) - 1];
  if (view !== undefined) return { ui: shut({ ...ui, view }) };
  if (name === 'tab')
    return { ui: shut({ ...ui, view: VIEWS[(VIEWS.indexOf(ui.view) + 1) % VIEWS.length] ?? 'tables' }) };
  switch (sign) {
    case 'q':
      return { ui, effect: { do: 'quit' } };
    case '?':
      return { ui: { ...ui, help: true } };
    case '/':
      return { ui: shut({ ...ui, typing: true }) };
    case 'r':
      return { ui: wishRetry(ui, state) };
    case 'c':
      return { ui: wishCancel(ui, state) };
    case 'p':
      return { ui: wishReplay(ui, state) };
    default:
      return undefined;
  }
}

function shut({ open: _, ...ui }: UiState): UiState {
  return ui;
}

function moved(ui: UiState, { name, sign }: Key, state: LiveState, page: number): Pressed {
  const items = itemsOf(state, ui);
  const at = chosenIndex(items, ui);
  const to = (index: number): Pressed => {
    const item = items[Math.max(0, Math.min(items.length - 1, index))];
    return { ui: item === undefined ? ui : { ...ui, chosen: { ...ui.chosen, [ui.view]: item.id } } };
  };
  if (name === 'up' || sign === 'k') return to(at - 1);
  if (name === 'down' || sign === 'j') return to(at + 1);
  if (name === 'pageup') return to(at - page);
  if (name === 'pagedown') return to(at + page);
  if (name === 'home' || sign === 'g') return to(0);
  if (name === 'end' || sign === 'G') return to(items.length - 1);
  if (ui.view === 'graph' && (name === 'left' || name === 'right'))
    return { ui: across(ui, state, name === 'left' ? -1 : 1) };
  if (name === 'escape') return { ui: { ...ui, filter: '' } };
  const table = name === 'enter' ? tableChosen(ui, state) : undefined;
  return table === undefined
    ? { ui }
    : { ui: { ...ui, open: { key: table, scroll: 0 } }, effect: { do: 'open', table } };
}

/** To the neighbouring layer: to a table that this one reads, or that reads it, if there is one. */
function across(ui: UiState, state: LiveState, step: -1 | 1): UiState {
  const known = new Set(itemsOf(state, ui).map(({ id }) => id));
  const table = state.tables.find(({ key }) => key === tableChosen(ui, state));
  const next = (step < 0 ? table?.parents : table?.children)?.find((key) => known.has(key));
  return next === undefined ? ui : { ...ui, chosen: { ...ui.chosen, graph: next } };
}

function scrolled(ui: UiState, { name, sign }: Key, { page, lines }: Extent): Pressed {
  const { open } = ui;
  if (open === undefined || name === 'escape' || name === 'backspace' || name === 'left') return { ui: shut(ui) };
  const steps: Readonly<Record<string, number>> = {
    ...{ up: -1, k: -1, down: 1, j: 1 },
    ...{ pageup: -page, pagedown: page, ' ': page },
    ...{ home: -lines, g: -lines, end: lines, G: lines },
  };
  const by = steps[name ?? sign ?? ''] ?? 0;
  return { ui: { ...ui, open: { ...open, scroll: Math.max(0, Math.min(lines - page, open.scroll + by)) } } };
}

/** The table that the keys act on. */
function tableChosen(ui: UiState, state: LiveState): string | undefined {
  if (ui.open !== undefined) return ui.open.key;
  const items = itemsOf(state, ui);
  const id = items[chosenIndex(items, ui)]?.id;
  if (ui.view === 'tables' || ui.view === 'graph') return id;
  return ui.view === 'quarantine' ? id?.split(' ')[0] : undefined;
}

/** The run that the keys act on: the chosen one among the runs, elsewhere the newest. */
function runChosen(ui: UiState, state: LiveState): LiveRun | undefined {
  if (ui.view !== 'runs') return state.runs[0];
  const items = itemsOf(state, ui);
  const id = items[chosenIndex(items, ui)]?.id;
  return state.runs.find(({ run_id }) => run_id === id);
}

function wishRetry(ui: UiState, state: LiveState): UiState {
  const run = runChosen(ui, state);
  if (run === undefined) return said(ui, 'there was no run yet');
  if (run.status === 'running') return said(ui, `run ${run.run_id} is still at work`);
  if (run.status === 'succeeded') return said(ui, `nothing to retry: run ${run.run_id} succeeded`);
  return asking(ui, ['retry', run.run_id]);
}

function wishReplay(ui: UiState, state: LiveState): UiState {
  const table = tableChosen(ui, state);
  if (table === undefined) return said(ui, 'choose a table, or an entry of the quarantine');
  const rows = state.quarantine.filter((one) => one.table === table).reduce((sum, one) => sum + one.rows, 0);
  return rows === 0 ? said(ui, `no row of ${table} lies in quarantine`) : asking(ui, ['quarantine', 'replay', table]);
}

function wishCancel(ui: UiState, state: LiveState): UiState {
  const chosen = runChosen(ui, state);
  const run = chosen?.status === 'running' ? chosen : state.runs.find(({ status }) => status === 'running');
  if (run === undefined) return said(ui, 'no run is at work');
  if (!run.alive_here) return said(ui, `run ${run.run_id} is at work on ${run.host}, not on this machine`);
  return { ...ui, asked: { kind: 'signal', run_id: run.run_id, pid: run.pid, shown: `kill -INT ${run.pid}` } };
}

function asking(ui: UiState, words: readonly string[]): UiState {
  return { ...ui, asked: { kind: 'command', words, shown: ['dataflow', ...words].join(' ') } };
}

function said(ui: UiState, text: string): UiState {
  return { ...ui, message: { text, tone: 'warn' } };
}
