import type { LiveState, LiveTable, LiveTableState } from '../app/watch/live-state.ts';
import { LAYERS } from '../core/model/table.ts';
import { cutBetweenWords, padToWidth } from '../kit/terminal-text.ts';
import { type Line, line, type Room, type Segment, segment } from './line.ts';
import type { Item } from './ui-state.ts';
import { STATE_TONES } from './words.ts';

const GAP = 2;
const MARKS: Readonly<Record<LiveTableState, string>> = {
  running: '●',
  waits: '·',
  ok: '✓',
  fresh: '✓',
  failed: '✗',
  skipped: '–',
  new: '○',
};
const ASCII_MARKS: Readonly<Record<LiveTableState, string>> = {
  running: '*',
  waits: '.',
  ok: '+',
  fresh: '+',
  failed: 'x',
  skipped: '-',
  new: 'o',
};

/** The layers side by side; the chosen table and all that it comes from or leads to stand out. */
export function graphLines(state: LiveState, items: readonly Item[], chosen: number, room: Room): readonly Line[] {
  const shown = new Set(items.map(({ id }) => id));
  const id = items[chosen]?.id ?? '';
  const kin = kinOf(state, id);
  const width = Math.floor((room.width - GAP * (LAYERS.length - 1)) / LAYERS.length);
  const height = Math.max(1, room.height - 1);
  const columns = LAYERS.map((layer) => {
    const tables = state.tables.filter((table) => table.layer === layer && shown.has(table.key));
    const wanted = tables.findIndex(({ key }) => key === id);
    const first = wanted >= 0 ? wanted : tables.findIndex(({ key }) => kin.has(key));
    const from = Math.max(0, Math.min(tables.length - height, first - Math.floor(height / 2)));
    return tables.slice(from, from + height);
  });
  const heading = line(
    ...LAYERS.flatMap((layer, i) => [
      segment(i === 0 ? '' : ' '.repeat(GAP)),
      segment(padToWidth(layer, width, 'left'), 'dim'),
    ]),
  );
  const most = Math.max(...columns.map((column) => column.length));
  const rows = Array.from({ length: most }, (_, row) =>
    line(
      ...columns.flatMap((column, i): Segment[] => {
        const cell = cellOf(column[row], id, kin, width, room.ascii);
        return i === 0 ? cell : [segment(' '.repeat(GAP)), ...cell];
      }),
    ),
  );
  return [heading, ...rows];
}

function cellOf(
  table: LiveTable | undefined,
  id: string,
  kin: ReadonlySet<string>,
  width: number,
  ascii: boolean,
): Segment[] {
  if (table === undefined) return [segment(' '.repeat(width))];
  const mark = (ascii ? ASCII_MARKS : MARKS)[table.state];
  const here = table.key === id;
  const name = table.key.slice(table.layer.length + 1);
  const text = padToWidth(cutBetweenWords(`${here ? '>' : ' '}${name}`, width - 2), width - 2, 'left');
  return [
    segment(`${mark} `, STATE_TONES[table.state]),
    segment(text, here ? 'active' : kin.has(table.key) ? 'bold' : 'dim'),
  ];
}

/** All that a table comes from or leads to, itself included. */
function kinOf(state: LiveState, id: string): ReadonlySet<string> {
  const byKey = new Map(state.tables.map((table) => [table.key, table]));
  const found = new Set<string>([id]);
  const follow = (key: string, side: 'parents' | 'children'): void => {
    for (const next of byKey.get(key)?.[side] ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      follow(next, side);
    }
  };
  follow(id, 'parents');
  follow(id, 'children');
  return found;
}
