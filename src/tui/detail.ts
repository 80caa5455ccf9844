import type { LiveState, LiveTable, TableDetail } from '../app/watch/live-state.ts';
import { escapeControls, wrapWords } from '../kit/terminal-text.ts';
import { listLines } from './columns.ts';
import { type Line, line, type Room, segment } from './line.ts';
import type { OpenTable } from './ui-state.ts';
import { count, minute, STATE_TONES, workWords } from './words.ts';

/** Everything about one table, from what it is doing now down to its columns. */
export function detailLines(state: LiveState, open: OpenTable, room: Room, now_ms: number): readonly Line[] {
  const table = state.tables.find(({ key }) => key === open.key);
  if (table === undefined) return [line(segment('the project has no such table any more', 'warn'))];
  return [
    ...nowLines(table, room, now_ms),
    ...(open.problem === undefined ? [] : [line(), ...wrapped(open.problem, room, 'warn')]),
    line(),
    ...balanceLines(table),
    line(),
    head('why'),
    ...(open.why ?? [open.problem === undefined ? 'reading ...' : '']).map((text) => line(`  ${text}`)),
    line(),
    ...quarantineOf(state, table, open.detail, room),
    line(),
    ...(open.detail === undefined
      ? []
      : [...versionLines(open.detail, room), line(), ...schemaLines(open.detail, room)]),
  ];
}

function head(text: string): Line {
  return line(segment(text, 'bold'));
}

function wrapped(text: string, { width }: Room, tone: 'plain' | 'warn' | 'bad' = 'plain'): readonly Line[] {
  return wrapWords(`  ${escapeControls(text)}`, width, '  ').map((one) => line(segment(one, tone)));
}

function nowLines(table: LiveTable, room: Room, now_ms: number): readonly Line[] {
  const version = table.version === null ? 'no version yet' : `version ${table.version}`;
  const when = table.finished_at === null ? '' : `, ${minute(table.finished_at)} UTC`;
  const work = table.work === undefined ? [] : [line('  ', segment(workWords(table.work, now_ms), 'active'))];
  return [
    line(segment(table.state, STATE_TONES[table.state]), `, ${version}${when}`),
    ...work,
    ...(table.error === null ? [] : wrapped(table.error, room, 'bad')),
    ...named('reads', table.parents, room),
    ...named('read by', table.children, room),
  ];
}

function named(what: string, tables: readonly string[], room: Room): readonly Line[] {
  return tables.length === 0 ? [] : wrapped(`${what} ${tables.join(', ')}`, room);
}

/** Where the rows of the last computation went: in = out + quarantined + deduplicated + filtered. */
function balanceLines({ rows_in, rows_out, quarantined, deduplicated, filtered }: LiveTable): readonly Line[] {
  if (rows_in === null || rows_out === null)
    return [head('balance'), line(segment('  nothing was computed yet', 'dim'))];
  const aside = rows_in - rows_out - (deduplicated ?? 0) - (filtered ?? 0);
  const parts: readonly (readonly [number, string])[] = [
    [rows_in, 'rows in'],
    [rows_out, 'out'],
    [aside, 'quarantined'],
    [deduplicated ?? 0, 'deduplicated'],
    [filtered ?? 0, 'filtered'],
  ];
  const cells = Math.max(...parts.map(([rows]) => count(rows).length));
  const lines = parts
    .filter(([rows], i) => i < 2 || rows !== 0)
    .map(([rows, what], i) =>
      line(
        `  ${i === 0 ? ' ' : '-'} ${count(rows).padStart(cells)} `,
        segment(what, what === 'quarantined' ? 'warn' : 'dim'),
      ),
    );
  const lying =
    quarantined === aside ? [] : [line(segment(`    ${count(quarantined)} rows of it lie in quarantine now`, 'dim'))];
  return [head('balance of the last computation'), ...lines, ...lying];
}

function quarantineOf(
  state: LiveState,
  { key }: LiveTable,
  detail: TableDetail | undefined,
  room: Room,
): readonly Line[] {
  const groups = state.quarantine.filter(({ table }) => table === key);
  if (groups.length === 0) return [head('quarantine'), line(segment('  no row of it', 'dim'))];
  const list = listLines(
    [
      { title: '  rule', gives_way: true },
      { title: 'rows', align: 'right' },
      { title: 'files', align: 'right' },
    ],
    groups.map(({ rule, rows, files }) => ({
      cells: [`  ${rule}`, { text: count(rows), tone: 'warn' }, count(files)],
    })),
    room.width,
  );
  const some = (detail?.rejected ?? []).flatMap(({ file, line: at, rule, reason }) => [
    line(segment(`  ${file}${at === '' ? '' : `:${at}`} `, 'dim'), segment(rule, 'dim')),
    ...wrapped(`  ${reason}`, room),
  ]);
  return [
    head('quarantine'),
    ...list,
    ...(some.length === 0 ? [] : [line(segment('  some of them:', 'dim')), ...some]),
  ];
}

function versionLines({ versions }: TableDetail, room: Room): readonly Line[] {
  if (versions.length === 0) return [];
  const list = listLines(
    [
      { title: '  v', align: 'right' },
      { title: 'published', drop: 2 },
      { title: 'rows', align: 'right' },
      { title: 'run', drop: 3 },
      { title: 'because', gives_way: true, drop: 1 },
    ],
    versions.map((one) => ({
      cells: [
        String(one.version),
        minute(one.at),
        count(one.rows_out),
        { text: one.run_id, tone: 'dim' },
        { text: one.reason, tone: 'dim' },
      ],
    })),
    room.width,
  );
  return [head('versions'), ...list];
}

function schemaLines({ columns }: TableDetail, room: Room): readonly Line[] {
  if (columns.length === 0) return [];
  const list = listLines(
    [
      { title: '  column', gives_way: true },
      { title: 'type', gives_way: true },
      { title: '', drop: 1 },
    ],
    columns.map(({ name, type, nullable }) => ({
      cells: [`  ${name}`, { text: type, tone: 'dim' }, { text: nullable ? '' : 'not null', tone: 'dim' }],
    })),
    room.width,
  );
  return [head('schema'), ...list];
}
