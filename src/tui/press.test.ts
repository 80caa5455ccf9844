import { describe, expect, it } from 'vitest';
import type { LiveRun, LiveState, LiveTable } from '../app/watch/live-state.ts';
import { type Effect, type Key, press } from './press.ts';
import { FIRST_UI, type UiState } from './ui-state.ts';

const table = (key: string, more: Partial<LiveTable> = {}): LiveTable => ({
  key,
  layer: key.startsWith('silver') ? 'silver' : 'gold',
  state: 'ok',
  version: 1,
  rows_in: 10,
  rows_out: 9,
  deduplicated: 0,
  filtered: 0,
  quarantined: 0,
  finished_at: null,
  reason: '',
  error: null,
  parents: [],
  children: [],
  ...more,
});
const run = (run_id: string, more: Partial<LiveRun> = {}): LiveRun => ({
  run_id,
  status: 'succeeded',
  command: 'dataflow run',
  started_at: '2026-03-01T12:00:00.000Z',
  finished_at: '2026-03-01T12:00:02.000Z',
  pid: 4711,
  host: 'here',
  alive_here: false,
  error: null,
  steps_total: 2,
  steps_ended: 2,
  ...more,
});
const STATE: LiveState = {
  project: 'shop',
  release: null,
  tables: [table('silver.a', { children: ['gold.b'] }), table('gold.b', { parents: ['silver.a'] }), table('gold.c')],
  runs: [run('01b', { status: 'failed' }), run('01a')],
  quarantine: [{ table: 'silver.a', rule: 'r', rows: 3, files: 1 }],
  destinations: [],
  log: [],
};

const KEYS: Readonly<Record<string, Key>> = {
  '<enter>': { name: 'enter' },
  '<esc>': { name: 'escape' },
  '<down>': { name: 'down' },
  '<right>': { name: 'right' },
  '<tab>': { name: 'tab' },
};

/** What a row of keys leads to. */
function typed(keys: string, state: LiveState = STATE): { readonly ui: UiState; readonly effects: readonly Effect[] } {
  let ui = FIRST_UI;
  const effects: Effect[] = [];
  for (const one of keys.match(/<\w+>|./g) ?? []) {
    const { effect, ui: next } = press(ui, KEYS[one] ?? { sign: one }, state, { page: 5, lines: 30 });
    ui = next;
    if (effect !== undefined) effects.push(effect);
  }
  return { ui, effects };
}

describe('moving', () => {
  it('stops at both ends, and what is chosen stays chosen by its name', () => {
    expect(typed('jjjjj').ui.chosen.tables).toBe('gold.c');
    expect(typed('jjkkkk').ui.chosen.tables).toBe('silver.a');
    expect(typed('Gg').ui.chosen.tables).toBe('silver.a');
  });
  it('goes along the lineage in the graph', () => expect(typed('2<right>').ui.chosen.graph).toBe('gold.b'));
  it('opens a table, scrolls within it and comes back', () => {
    const { ui, effects } = typed('j<enter>');
    expect(effects).toEqual([{ do: 'open', table: 'gold.b' }]);
    expect(ui.open).toEqual({ key: 'gold.b', scroll: 0 });
    expect(typed('<enter>jjk').ui.open?.scroll).toBe(1);
    expect(typed('<enter>GG').ui.open?.scroll).toBe(25);
    expect(typed('<enter>Gg').ui.open?.scroll).toBe(0);
    expect(typed('<enter>      ').ui.open?.scroll).toBe(25);
    expect(typed('<enter><esc>').ui.open).toBeUndefined();
  });
  it('changes the view by number and by tab', () => {
    expect(typed('3').ui.view).toBe('runs');
    expect(typed('6<tab>').ui.view).toBe('tables');
  });
});

describe('the filter', () => {
  it('takes letters that are keys elsewhere, until enter', () => {
    expect(typed('/qc').ui).toMatchObject({ filter: 'qc', typing: true });
    expect(typed('/gold<enter>j').ui.chosen.tables).toBe('gold.c');
    expect(typed('/gold<esc>').ui).toMatchObject({ filter: '', typing: false });
    expect(typed('/gold<enter><esc>').ui.filter).toBe('');
  });
});

describe('what changes something', () => {
  it('asks first, and only y means yes', () => {
    expect(typed('r').ui.asked).toMatchObject({
      kind: 'command',
      words: ['retry', '01b'],
      shown: 'dataflow retry 01b',
    });
    expect(typed('r').effects).toEqual([]);
    expect(typed('ry').effects).toMatchObject([{ do: 'act', action: { words: ['retry', '01b'] } }]);
    expect(typed('rn')).toMatchObject({ effects: [], ui: { message: { text: 'not done' } } });
    expect(typed('r<enter>').effects).toEqual([]);
  });
  it('replays the chosen table, if it has anything to replay', () => {
    expect(typed('py').effects).toMatchObject([{ action: { words: ['quarantine', 'replay', 'silver.a'] } }]);
    expect(typed('4py').effects).toMatchObject([{ action: { words: ['quarantine', 'replay', 'silver.a'] } }]);
    expect(typed('jp').ui).toMatchObject({ message: { text: 'no row of gold.b lies in quarantine' } });
  });
  it('does not retry what succeeded or is at work', () => {
    expect(typed('3jr').ui.message?.text).toBe('nothing to retry: run 01a succeeded');
    const working = { ...STATE, runs: [run('01c', { status: 'running' })] };
    expect(typed('r', working).ui.message?.text).toBe('run 01c is still at work');
  });
  it('sends a signal only to a process of this machine that lives', () => {
    const here = { ...STATE, runs: [run('01c', { status: 'running', alive_here: true })] };
    expect(typed('cy', here).effects).toMatchObject([
      { do: 'act', action: { kind: 'signal', pid: 4711, shown: 'kill -INT 4711' } },
    ]);
    const there = { ...STATE, runs: [run('01c', { status: 'running', host: 'other' })] };
    expect(typed('cy', there)).toMatchObject({ effects: [] });
    expect(typed('c', there).ui.message?.text).toBe('run 01c is at work on other, not on this machine');
    expect(typed('c').ui.message?.text).toBe('no run is at work');
  });
  it('quits', () => expect(typed('q').effects).toEqual([{ do: 'quit' }]));
});
