import type { LiveRun, LiveState } from '../app/watch/live-state.ts';
import { apart, type Line, line, type Room, rule, type Segment, segment } from './line.ts';
import { chosenIndex, itemsOf, type UiState, VIEWS } from './ui-state.ts';
import { clock, elapsed, minute, RUN_TONES } from './words.ts';

const BAR = 10;
/** Cells of the line of views with all their names. */
const NAMES_FROM_WIDTH = 66;

/** Project and release, the newest run, the views. */
export function headLines(state: LiveState, ui: UiState, room: Room, now_ms: number): readonly Line[] {
  const release = state.release;
  const right =
    release === null
      ? line(segment('no release yet', 'dim'))
      : line(segment(`release ${release.release_id}  ${minute(release.created_at)} UTC`, 'dim'));
  const first = apart(line(segment(state.project, 'bold')), right, room.width);
  return [first, runLine(state.runs[0], room, now_ms), viewsLine(ui, room), rule(heading(state, ui), room)];
}

function heading(state: LiveState, ui: UiState): string {
  if (ui.help) return 'help';
  if (ui.open !== undefined) return ui.open.key;
  const items = itemsOf(state, ui);
  const at = items.length === 0 ? '' : ` ${chosenIndex(items, ui) + 1} of ${items.length}`;
  return `${ui.view}${at}${ui.filter === '' ? '' : `, only "${ui.filter}"`}`;
}

function runLine(run: LiveRun | undefined, room: Room, now_ms: number): Line {
  if (run === undefined) return line(segment('no run yet', 'dim'));
  const status = segment(run.status, RUN_TONES[run.status]);
  const started = Date.parse(run.started_at);
  if (run.status === 'running') {
    const ended =
      run.steps_total === null
        ? []
        : [segment(`  ${bar(run, room)}`, 'active'), segment(` ${run.steps_ended} of ${run.steps_total} steps`)];
    const where = run.alive_here ? `  pid ${run.pid}` : `  on ${run.host}`;
    return line(`run ${run.run_id} `, status, ` ${elapsed(now_ms - started)}`, ...ended, segment(where, 'dim'));
  }
  const took =
    run.finished_at === null
      ? ''
      : ` in ${seconds(Date.parse(run.finished_at) - started)} at ${clock(run.finished_at)} UTC`;
  return line(`run ${run.run_id} `, status, took, segment(`  ${run.command}`, 'dim'));
}

function seconds(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : elapsed(ms);
}

function bar({ steps_ended, steps_total }: LiveRun, { ascii }: Room): string {
  const full = Math.floor(Math.min(1, steps_ended / Math.max(1, steps_total ?? 1)) * BAR);
  return `[${(ascii ? '#' : '█').repeat(full)}${(ascii ? '.' : '░').repeat(BAR - full)}]`;
}

function viewsLine(ui: UiState, { width }: Room): Line {
  const named = width >= NAMES_FROM_WIDTH;
  return line(
    ...VIEWS.flatMap((view, i): Segment[] => {
      const here = view === ui.view;
      const text = named || here ? `${i + 1} ${view}` : `${i + 1}`;
      return [segment(i === 0 ? '' : '  '), segment(text, here ? 'active' : 'dim')];
    }),
  );
}
