import type { LiveDestination, LiveState, LiveTable } from '../app/watch/live-state.ts';
import { type ListColumn, type ListRow, listLines } from './columns.ts';
import { type Line, line, type Room, segment, type Tone } from './line.ts';
import type { Item } from './ui-state.ts';
import { clock, count, elapsed, minute, RUN_TONES, STATE_TONES } from './words.ts';

const TABLE_COLUMNS: readonly ListColumn[] = [
  { title: '' },
  { title: 'table', gives_way: true },
  { title: 'state' },
  { title: 'v', align: 'right', drop: 5 },
  { title: 'in', align: 'right', drop: 3 },
  { title: 'out', align: 'right', drop: 2 },
  { title: 'quar.', align: 'right', drop: 1 },
  { title: 'finished', drop: 4 },
];

/** The tables of all layers; a mark says which of them the chosen one reads, and which read it. */
export function tableLines(
  state: LiveState,
  items: readonly Item[],
  chosen: number,
  room: Room,
  now_ms: number,
): readonly Line[] {
  const byKey = new Map(state.tables.map((table) => [table.key, table]));
  const own = byKey.get(items[chosen]?.id ?? '');
  const rows = items.flatMap(({ id }, i): ListRow[] => {
    const table = byKey.get(id);
    return table === undefined ? [] : [tableRow(table, own, i === chosen, now_ms)];
  });
  return listLines(TABLE_COLUMNS, rows, room.width);
}

function tableRow(table: LiveTable, own: LiveTable | undefined, chosen: boolean, now_ms: number): ListRow {
  const mark = own?.parents.includes(table.key) ? '<' : own?.children.includes(table.key) ? '>' : ' ';
  const when =
    table.work === undefined ? minute(table.finished_at) : elapsed(now_ms - Date.parse(table.work.started_at));
  return {
    chosen,
    cells: [
      { text: mark, tone: 'active' },
      { text: table.key, tone: chosen ? 'bold' : 'plain' },
      { text: table.state, tone: STATE_TONES[table.state] },
      { text: table.version === null ? '' : String(table.version), tone: 'dim' },
      count(table.rows_in),
      count(table.rows_out),
      { text: count(table.quarantined), tone: table.quarantined > 0 ? 'warn' : 'dim' },
      { text: when, tone: 'dim' },
    ],
  };
}

const RUN_COLUMNS: readonly ListColumn[] = [
  { title: 'run' },
  { title: 'state' },
  { title: 'started', drop: 2 },
  { title: 'took', align: 'right', drop: 3 },
  { title: 'command', gives_way: true, drop: 1 },
];

export function runLines(
  state: LiveState,
  items: readonly Item[],
  chosen: number,
  room: Room,
  now_ms: number,
): readonly Line[] {
  const byId = new Map(state.runs.map((run) => [run.run_id, run]));
  const rows = items.flatMap(({ id }, i): ListRow[] => {
    const run = byId.get(id);
    if (run === undefined) return [];
    const end_ms =
      run.finished_at === null ? (run.status === 'running' ? now_ms : undefined) : Date.parse(run.finished_at);
    const took = end_ms === undefined ? '' : elapsed(end_ms - Date.parse(run.started_at));
    const words = [run.command.replace(/^dataflow /, ''), run.error].filter((one) => one !== null).join('  ');
    return [
      {
        chosen: i === chosen,
        cells: [
          run.run_id,
          { text: run.status, tone: RUN_TONES[run.status] },
          minute(run.started_at),
          took,
          { text: words, tone: 'dim' },
        ],
      },
    ];
  });
  return listLines(RUN_COLUMNS, rows, room.width);
}

const QUARANTINE_COLUMNS: readonly ListColumn[] = [
  { title: 'table', gives_way: true },
  { title: 'rule', gives_way: true },
  { title: 'rows', align: 'right' },
  { title: 'files', align: 'right', drop: 1 },
];

export function quarantineLines(state: LiveState, items: readonly Item[], chosen: number, room: Room): readonly Line[] {
  const byId = new Map(state.quarantine.map((one) => [`${one.table} ${one.rule}`, one]));
  const rows = items.flatMap(({ id }, i): ListRow[] => {
    const one = byId.get(id);
    if (one === undefined) return [];
    return [
      { chosen: i === chosen, cells: [one.table, one.rule, { text: count(one.rows), tone: 'warn' }, count(one.files)] },
    ];
  });
  return listLines(QUARANTINE_COLUMNS, rows, room.width);
}

const DESTINATION_COLUMNS: readonly ListColumn[] = [
  { title: '', drop: 3 },
  { title: 'destination', gives_way: true },
  { title: 'state' },
  { title: 'holds', drop: 2 },
  { title: 'since', drop: 4 },
  { title: 'place', gives_way: true, drop: 1 },
];

const DESTINATION_TONES: Readonly<Record<LiveDestination['state'], Tone>> = {
  current: 'good',
  behind: 'warn',
  empty: 'dim',
};

/** What the ledger remembers: the destinations themselves are not asked. */
export function destinationLines(
  state: LiveState,
  items: readonly Item[],
  chosen: number,
  room: Room,
): readonly Line[] {
  const byId = new Map(state.destinations.map((one) => [`${one.kind} ${one.name}`, one]));
  const rows = items.flatMap(({ id }, i): ListRow[] => {
    const one = byId.get(id);
    if (one === undefined) return [];
    const tone = DESTINATION_TONES[one.state];
    return [
      {
        chosen: i === chosen,
        cells: [
          { text: one.kind, tone: 'dim' },
          one.name,
          { text: one.state, tone },
          one.holds ?? '',
          minute(one.at),
          { text: one.place, tone: 'dim' },
        ],
      },
    ];
  });
  return listLines(DESTINATION_COLUMNS, rows, room.width);
}

/** Lines of the log that are wanted, oldest first. */
export function logLines(state: LiveState, items: readonly Item[], chosen: number): readonly Line[] {
  const byId = new Map(state.log.map((one, i) => [`${one.at} ${i}`, one]));
  return items.flatMap(({ id }, i): Line[] => {
    const one = byId.get(id);
    if (one === undefined) return [];
    const shown = line(
      segment(`${clock(one.at)} `, 'dim'),
      segment(one.text, one.tone === 'good' ? 'plain' : one.tone),
    );
    return [i === chosen ? { ...shown, chosen: true } : shown];
  });
}
