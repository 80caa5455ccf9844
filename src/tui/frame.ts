import type { LiveState } from '../app/watch/live-state.ts';
import { padToWidth, wrapToWidth } from '../kit/terminal-text.ts';
import { detailLines } from './detail.ts';
import { graphLines } from './graph.ts';
import { headLines } from './head.ts';
import { HELP, keysLine } from './help.ts';
import { fitted, type Line, line, type Room, rule, segment, textOf } from './line.ts';
import { destinationLines, logLines, quarantineLines, runLines, tableLines } from './lists.ts';
import type { Extent } from './press.ts';
import { chosenIndex, itemsOf, type UiState } from './ui-state.ts';
import { workWords } from './words.ts';

/** From here on the log has a place below the other views, and what is at work one above it. */
const LOG_FROM_HEIGHT = 18;
const TALL = 32;
/** From here on runs, quarantine and destinations stand beside the tables. */
const SIDE_FROM_WIDTH = 130;
const SIDE_WIDTH = 46;

/** The whole screen: as many lines as the room is high, none wider than it. */
export function frame(state: LiveState, ui: UiState, room: Room, now_ms: number): readonly Line[] {
  const head = headLines(state, ui, room, now_ms);
  const foot = footLines(ui, room);
  const under = ui.help || ui.view === 'log' || ui.open !== undefined ? [] : underLines(state, room, now_ms);
  const height = Math.max(1, room.height - head.length - foot.length - under.length);
  const body = bodyLines(state, ui, { ...room, height }, now_ms).slice(0, height);
  const blank = Array.from({ length: height - body.length }, () => line());
  return [...head, ...body, ...blank, ...under, ...foot].slice(0, room.height).map((one) => fitted(one, room.width));
}

/** How far the body can be moved: lines of a page, and all lines of an opened table. */
export function extentOf(state: LiveState, ui: UiState, room: Room, now_ms: number): Extent {
  const page = Math.max(1, room.height - headLines(state, ui, room, now_ms).length - footLines(ui, room).length);
  return { page, lines: ui.open === undefined ? 0 : detailLines(state, ui.open, room, now_ms).length };
}

function bodyLines(state: LiveState, ui: UiState, room: Room, now_ms: number): readonly Line[] {
  if (ui.help) return HELP.flatMap((one) => (room.height < HELP.length && textOf(one) === '' ? [] : [one]));
  if (ui.open !== undefined)
    return detailLines(state, ui.open, room, now_ms).slice(ui.open.scroll, ui.open.scroll + room.height);
  const items = itemsOf(state, ui);
  if (items.length === 0)
    return [line(segment(ui.filter === '' ? emptyWords(state, ui) : 'nothing passes the filter', 'dim'))];
  const side = room.width >= SIDE_FROM_WIDTH && (ui.view === 'tables' || ui.view === 'graph');
  if (!side) return listOf(state, ui, room, now_ms);
  const left = listOf(state, ui, { ...room, width: room.width - SIDE_WIDTH - 2 }, now_ms);
  return beside(left, sideLines(state, ui, { ...room, width: SIDE_WIDTH }, now_ms), room);
}

function listOf(state: LiveState, ui: UiState, room: Room, now_ms: number): readonly Line[] {
  const items = itemsOf(state, ui);
  const chosen = chosenIndex(items, ui);
  switch (ui.view) {
    case 'tables':
      return windowed(tableLines(state, items, chosen, room, now_ms), chosen, room.height);
    case 'graph':
      return graphLines(state, items, chosen, room);
    case 'runs':
      return windowed(runLines(state, items, chosen, room, now_ms), chosen, room.height);
    case 'quarantine':
      return windowed(quarantineLines(state, items, chosen, room), chosen, room.height);
    case 'destinations':
      return windowed(destinationLines(state, items, chosen, room), chosen, room.height);
    case 'log':
      return windowed([line(), ...logLines(state, items, chosen)], chosen, room.height).slice(1);
  }
}

/** The heading, and as many of the lines below it as there is room for, the chosen one among them. */
function windowed(lines: readonly Line[], chosen: number, height: number): readonly Line[] {
  const [heading, ...rest] = lines;
  const room = Math.max(1, height - 1);
  const first = Math.max(0, Math.min(rest.length - room, chosen - Math.floor(room / 2)));
  return heading === undefined ? [] : [heading, ...rest.slice(first, first + room)];
}

function emptyWords(state: LiveState, { view }: UiState): string {
  switch (view) {
    case 'quarantine':
      return 'no row lies in quarantine';
    case 'destinations':
      return 'the project declares no loads, mirrors or streams';
    case 'tables':
    case 'graph':
      return 'the project has no table yet (dataflow init)';
    default:
      return state.runs.length === 0 ? 'no run yet. Next: dataflow run' : '';
  }
}

/** What is at work, and the newest of the log. */
function underLines(state: LiveState, room: Room, now_ms: number): readonly Line[] {
  if (room.height < LOG_FROM_HEIGHT) return [];
  const most = room.height >= TALL ? 6 : 3;
  const working = state.tables.flatMap(({ key, work }) =>
    work === undefined ? [] : [line(segment(`${key} `, 'active'), workWords(work, now_ms))],
  );
  const now = working.length === 0 ? [] : [rule('at work', room), ...working.slice(0, most)];
  const items = itemsOf(state, { view: 'log', filter: '' });
  const log = logLines(state, items, -1).slice(-most);
  return [...now, rule('log', room), ...log, ...Array.from({ length: most - log.length }, () => line())];
}

function footLines(ui: UiState, room: Room): readonly Line[] {
  if (ui.asked !== undefined) {
    const verb = ui.asked.kind === 'signal' ? `stop run ${ui.asked.run_id} as Ctrl-C would` : 'start this';
    const shown = wrapToWidth(ui.asked.shown, Math.max(8, room.width - 2)).map((text) =>
      line(segment(`  ${text}`, 'bold')),
    );
    return [
      rule(`${verb}?`, room),
      ...shown,
      line(segment('y', 'bold'), ' yes   ', segment('any other key', 'bold'), ' no'),
    ];
  }
  if (ui.typing)
    return [
      line(
        segment('/', 'bold'),
        ui.filter,
        segment(room.ascii ? '_' : '▏', 'active'),
        segment('  enter keeps, esc clears', 'dim'),
      ),
    ];
  if (ui.message !== undefined) return [line(segment(ui.message.text, ui.message.tone))];
  return [keysLine(ui, room.width)];
}

function sideLines(state: LiveState, ui: UiState, room: Room, now_ms: number): readonly Line[] {
  const part = (view: 'runs' | 'quarantine' | 'destinations', most: number): readonly Line[] => {
    const items = itemsOf(state, { view, filter: '' }).slice(0, most);
    if (items.length === 0) return [rule(view, room), line(segment(emptyWords(state, { ...ui, view }), 'dim'))];
    const lines =
      view === 'runs'
        ? runLines(state, items, -1, room, now_ms)
        : view === 'quarantine'
          ? quarantineLines(state, items, -1, room)
          : destinationLines(state, items, -1, room);
    return [rule(view, room), ...lines.slice(1)];
  };
  const most = Math.max(1, Math.floor((room.height - 3) / 3));
  return [...part('runs', most), ...part('quarantine', most), ...part('destinations', most)];
}

function beside(left: readonly Line[], right: readonly Line[], room: Room): readonly Line[] {
  const width = room.width - SIDE_WIDTH - 2;
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const own = fitted(left[i] ?? line(), width);
    const gap = padToWidth(textOf(own), width, 'left').slice(textOf(own).length);
    const other = right[i] === undefined ? [] : fitted(right[i], SIDE_WIDTH).segments;
    const half = own.segments.map((one) => (own.chosen === true ? { ...one, chosen: true } : one));
    return line(...half, segment(`${gap}  `), ...other);
  });
}
