import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveRun, LiveState, LiveTable } from '../app/watch/live-state.ts';
import { cellWidth } from '../kit/terminal-text.ts';
import { groupedDigits } from '../kit/units.ts';
import { listLines } from './columns.ts';
import { frame } from './frame.ts';
import { type Room, textOf } from './line.ts';
import { painted } from './paint.ts';
import { FIRST_UI, type UiState, VIEWS } from './ui-state.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const at = (seconds: number): string => new Date(NOW_MS - seconds * 1000).toISOString();
const LAYER = ['bronze', 'silver', 'gold'] as const;
const STATES = ['running', 'waits', 'ok', 'fresh', 'failed', 'skipped', 'new'] as const;

const name = fc.oneof(
  fc.stringMatching(/^[a-z_][a-z0-9_]{0,30}$/),
  fc.constantFrom('日本の売上', 'e\u0301te\u0301', 'x\u001b[2J'),
);
const rows = fc.option(fc.nat(9_000_000_000_000));
const words = fc.string({ maxLength: 120, unit: 'grapheme' });

const table: fc.Arbitrary<LiveTable> = fc
  .record({
    name,
    layer: fc.constantFrom(...LAYER),
    state: fc.constantFrom(...STATES),
    version: fc.option(fc.nat(100_000)),
    rows_in: rows,
    rows_out: rows,
    deduplicated: rows,
    filtered: rows,
    quarantined: fc.nat(10_000_000),
    finished_at: fc.option(fc.nat(10_000_000).map(at)),
    reason: words,
    error: fc.option(words),
    last_wall_ms: fc.option(fc.nat(90_000_000)),
  })
  .map(({ name: own, last_wall_ms, ...rest }) => ({
    ...rest,
    key: `${rest.layer}.${own}`,
    parents: ['bronze.a'],
    children: ['gold.b'],
    ...(rest.state === 'running'
      ? {
          work: {
            started_at: at(90),
            last_wall_ms,
            progress: {
              ...{ step: `${rest.layer}.${own}`, started_at: at(90), doing: 'writing', rows: rest.rows_out },
              ...{ rows_per_second: rest.rows_in, bytes: rest.rows_in, percent: 62, percent_of: 'statement' },
              ...{ left_ms: last_wall_ms, left_by: 'last_success' },
            } as const,
          },
        }
      : {}),
  }));

const run: fc.Arbitrary<LiveRun> = fc
  .record({
    run_id: fc.stringMatching(/^[0-9a-z]{20}$/),
    status: fc.constantFrom('running', 'succeeded', 'failed', 'partial', 'interrupted'),
    command: words,
    error: fc.option(words),
    ended: fc.nat(300),
  })
  .map(({ ended, ...rest }) => ({
    ...rest,
    started_at: at(4000),
    finished_at: rest.status === 'running' ? null : at(10),
    pid: 4711,
    host: 'here',
    alive_here: true,
    steps_total: 300,
    steps_ended: ended,
  }));

const state: fc.Arbitrary<LiveState> = fc.record({
  project: name,
  release: fc.option(fc.constant({ release_id: '01m7zhmw0d0taer5tjcp', created_at: at(5) })),
  tables: fc.uniqueArray(table, { selector: ({ key }) => key, maxLength: 60 }),
  runs: fc.uniqueArray(run, { selector: ({ run_id }) => run_id, maxLength: 30 }),
  quarantine: fc.array(fc.record({ table: name, rule: words, rows: fc.nat(10_000_000), files: fc.nat(10_000) }), {
    maxLength: 20,
  }),
  destinations: fc.array(
    fc.record({
      kind: fc.constantFrom('load', 'mirror', 'stream'),
      name,
      state: fc.constantFrom('current', 'behind', 'empty'),
      holds: fc.option(words),
      at: fc.option(fc.constant(at(3))),
      place: words,
    }),
    { maxLength: 8 },
  ),
  log: fc.array(
    fc.record({ at: fc.constant(at(1)), tone: fc.constantFrom('plain', 'good', 'bad', 'warn'), text: words }),
    { maxLength: 40 },
  ),
});

const ui = (live: LiveState): fc.Arbitrary<UiState> =>
  fc
    .record({
      view: fc.constantFrom(...VIEWS),
      chosen: fc.constant({ tables: live.tables.at(-1)?.key ?? '', runs: live.runs.at(-1)?.run_id ?? '' }),
      filter: fc.constantFrom('', '', 'a'),
      typing: fc.boolean(),
      help: fc.boolean(),
      more: fc.constantFrom<Partial<UiState>>(
        {},
        { open: { key: live.tables[0]?.key ?? 'gold.gone', scroll: 3, why: ['gold.x: version 12 (full)'] } },
        { asked: { kind: 'command', words: ['retry'], shown: `dataflow retry ${'x'.repeat(90)}` } },
        { message: { text: 'nothing to retry', tone: 'warn' } },
      ),
    })
    .map(({ more, ...rest }) => ({ ...rest, ...more }));

const room: fc.Arbitrary<Room> = fc.record({
  width: fc.integer({ min: 40, max: 240 }),
  height: fc.integer({ min: 10, max: 70 }),
  ascii: fc.boolean(),
});

describe('the screen', () => {
  it('fills every room exactly, with no line too long and no control character', () => {
    const screen = state.chain((live) => ui(live).map((where) => ({ live, where })));
    fc.assert(
      fc.property(screen, room, ({ live, where }, size) => {
        const lines = frame(live, where, size, NOW_MS);
        expect(lines).toHaveLength(size.height);
        for (const one of lines) {
          const text = textOf(one);
          expect(cellWidth(text), text).toBeLessThanOrEqual(size.width);
          expect(text).not.toMatch(/[\u0000-\u001f]/);
          expect(text).not.toMatch(/[\d.,:]…/);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('shows each number of a list whole, or its column not at all', () => {
    fc.assert(
      fc.property(
        fc.array(table, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 40, max: 120 }),
        (tables, width) => {
          const columns = [
            { title: 'table', gives_way: true },
            { title: 'state' },
            { title: 'in', align: 'right' as const, drop: 2 },
            { title: 'out', align: 'right' as const, drop: 1 },
          ];
          const cells = tables.map(({ key, state: how, rows_in, rows_out }) => [
            key,
            how,
            groupedDigits(rows_in ?? 0),
            groupedDigits(rows_out ?? 0),
          ]);
          const [heading, ...lines] = listLines(
            columns,
            cells.map((one) => ({ cells: one })),
            width,
          ).map(textOf);
          for (const [i, text] of lines.entries()) {
            expect(cellWidth(text)).toBeLessThanOrEqual(width);
            for (const [place, title] of [
              [2, ' in'],
              [3, ' out'],
            ] as const)
              if (heading?.includes(title)) expect(` ${text} `).toContain(` ${cells[i]?.[place]} `);
          }
        },
      ),
    );
  });

  it('keeps the chosen table in sight', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(table, { selector: ({ key }) => key, minLength: 1, maxLength: 80 }),
        room,
        fc.nat(),
        (tables, size, pick) => {
          const chosen = tables[pick % tables.length]?.key ?? '';
          const live: LiveState = {
            project: 'p',
            release: null,
            tables,
            runs: [],
            quarantine: [],
            destinations: [],
            log: [],
          };
          const lines = frame(live, { ...FIRST_UI, chosen: { tables: chosen } }, size, NOW_MS);
          expect(
            lines.filter((one) => one.chosen === true || one.segments.some((part) => part.chosen === true)),
          ).toHaveLength(1);
        },
      ),
    );
  });
});

describe('colours', () => {
  const line = { segments: [{ text: 'failed', tone: 'bad' as const }] };
  it('are left out where nobody wants them; what is chosen still shows', () => {
    expect(painted(line, { width: 10, color: true })).toBe('\u001b[31mfailed\u001b[39m');
    expect(painted(line, { width: 10, color: false })).toBe('\u001b[1mfailed\u001b[22m');
    expect(painted({ ...line, chosen: true }, { width: 8, color: false })).toBe(
      '\u001b[7mfailed\u001b[27m\u001b[7m  \u001b[27m',
    );
  });
});
