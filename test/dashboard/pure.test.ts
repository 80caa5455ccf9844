import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FilterShape, PageShape, WidgetRows, WidgetShape } from '../../src/core/contract/dashboard.ts';
import { type Cause, reasonOf } from '../../src/core/planning/reasons.ts';
import { movedMark } from '../../src/dashboard/chart/keys.ts';
import { axisModel, boxModel, heatModel, partsModel } from '../../src/dashboard/chart/model.ts';
import { nameColors } from '../../src/dashboard/chart/name-colors.ts';
import { eventReader } from '../../src/dashboard/data/sse.ts';
import {
  isFiltered,
  rangeOf,
  rangeText,
  readFilters,
  widgetAddress,
  withFilter,
  withoutFilters,
} from '../../src/dashboard/filters/url-state.ts';
import { formattedCell } from '../../src/dashboard/format/cell.ts';
import { formattedNumber, shortNumber } from '../../src/dashboard/format/number.ts';
import { ageOf, formattedDate } from '../../src/dashboard/format/time.ts';
import { durationText, sizeText } from '../../src/dashboard/pipeline/format.ts';
import { layoutOf, NODE } from '../../src/dashboard/pipeline/layout.ts';
import { reasonInFrench } from '../../src/dashboard/pipeline/reason-fr.ts';
import { matched } from '../../src/dashboard/route/match.ts';
import { contrast, inkOn, PALETTES, scaleColor } from '../../src/dashboard/theme/palette.ts';
import { changeOf } from '../../src/dashboard/widgets/change.ts';
import { atFirstPages, nextSort, pageStart, readTable, withTable } from '../../src/dashboard/widgets/table-state.ts';
import { EN } from '../../src/dashboard/words/en.ts';
import { FR } from '../../src/dashboard/words/fr.ts';
import { nearest } from './color-vision.ts';

/** Spaces that do not break are written as plain ones here. */
const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, ' ');

describe('numbers and dates', () => {
  it.each([
    [1234567.891, '#,##0.00 €', 'fr', '1 234 567,89 €'],
    [1234567.891, '#,##0.00 €', 'en', '1,234,567.89 €'],
    [0.1234, '0.0%', 'fr', '12,3 %'],
    [-5, '#,##0', 'en', '−5'],
    ['123456789012345678', '#,##0', 'en', '123,456,789,012,345,678'],
    ['123456789012345678', undefined, 'fr', '123 456 789 012 345 678'],
    ['0.12345678901234567891', undefined, 'en', '0.123457'],
    [12, 'no [pattern', 'en', '12'],
    [null, '0', 'en', '–'],
  ])('%s as %s in %s: %s', (value, pattern, language, text) => {
    expect(plain(formattedNumber(value, pattern, language))).toBe(text);
  });

  it('writes cells by their type, and never groups what may be an id', () => {
    const cell = (value: string | number | boolean | null, type: string, format?: string) =>
      plain(formattedCell(value, { type, format }, 'fr', FR));
    expect(cell(1448, 'bigint')).toBe('1448');
    expect(cell(1448, 'bigint', '#,##0')).toBe('1 448');
    expect(cell(1448.5, 'decimal(18,2)')).toBe('1 448,5');
    expect(cell('2024-03-01', 'date')).toBe('1 mars 2024');
    expect(cell(true, 'boolean')).toBe('oui');
    expect(cell(null, 'varchar')).toBe('–');
    expect(cell('2024', 'varchar')).toBe('2024');
  });

  it('is short along axes, and tells months and ages as the language does', () => {
    expect(plain(shortNumber(1_200_000, '#,##0 €', 'fr'))).toBe('1,2 M €');
    expect(shortNumber(350_000, '€#,##0', 'en')).toBe('€350K');
    expect(plain(shortNumber(0.5, '0.0%', 'fr'))).toBe('50 %');
    expect(formattedDate('2024-02', 'en')).toBe('Feb 2024');
    expect(formattedDate('Tablette', 'en')).toBe('Tablette');
    const at = '2026-01-01T00:00:00Z';
    const aged = (ms: number, language: string) => plain(ageOf(at, Date.parse(at) + ms, language));
    expect([aged(5_000, 'en'), aged(120_000, 'fr'), aged(7_200_000, 'en'), aged(86_400_000, 'fr')]).toEqual([
      'now',
      'il y a 2 minutes',
      '2 hours ago',
      'hier',
    ]);
  });

  it('tells a change as good, bad or none', () => {
    expect(changeOf(110, 100, 'up')).toMatchObject({ direction: 'up', verdict: 'good' });
    expect(changeOf(110, 100, 'down')).toMatchObject({ direction: 'up', verdict: 'bad' });
    expect(changeOf(-90, -100, 'none')).toMatchObject({ share: 0.1, verdict: 'neutral' });
    expect(changeOf(100.01, 100, 'up')).toMatchObject({ direction: 'same' });
    expect(changeOf(1, 0, 'up')).toBeUndefined();
  });
});

describe('the address', () => {
  const filters: readonly FilterShape[] = [
    { name: 'pays', kind: 'choice', label: 'Pays', multiple: true },
    { name: 'granularite', kind: 'choice', label: 'G', values: ['jour', 'mois'], default: 'mois' },
  ];
  const [pays, granularite] = filters as [FilterShape, FilterShape];
  const page: PageShape = { id: 'a b', title: '', filters, widgets: [] };
  const widget: WidgetShape = { id: 'w', kind: 'table', title: '', width: 6, filters: ['pays', 'granularite'] };

  it('holds the filters: what was written is read again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 4 }), (values) => {
        const query = withFilter(pays, values, new URLSearchParams('other=1'));
        const again = new URLSearchParams(query.toString());
        expect(readFilters(filters, again)['pays'] ?? []).toEqual(values);
        expect(again.get('other')).toBe('1');
        expect(withoutFilters(filters, again).toString()).toBe('other=1');
      }),
    );
  });

  it('leaves a default out, and says when there is to be no restriction', () => {
    const none = new URLSearchParams();
    expect(withFilter(granularite, ['mois'], none).toString()).toBe('');
    expect(withFilter(granularite, [], none).toString()).toBe('granularite=');
    expect(isFiltered(filters, none)).toBe(false);
    const state = readFilters(filters, new URLSearchParams('granularite=&pays=Suisse&pays=Canada'));
    expect(widgetAddress(page, widget, state, { q: 'é', sort: '' })).toBe(
      '/api/v1/dashboard/pages/a%20b/widgets/w?pays=Suisse&pays=Canada&granularite=&q=%C3%A9',
    );
    expect(widgetAddress(page, { ...widget, filters: [] }, state)).toBe('/api/v1/dashboard/pages/a%20b/widgets/w');
  });

  it('holds days and paths', () => {
    expect(rangeOf('2024-01-01..')).toEqual({ from: '2024-01-01', to: '' });
    expect(rangeOf('2024-01-01')).toEqual({ from: '2024-01-01', to: '2024-01-01' });
    expect(rangeOf('latest')).toEqual({ from: '', to: '' });
    expect([rangeText({ from: '', to: '2024-01-01' }), rangeText({ from: '', to: '' })]).toEqual([
      ['..2024-01-01'],
      [],
    ]);
    expect(matched('/pipeline/tables/{layer}/{table}', '/pipeline/tables/gold/a%20b/')).toEqual({
      layer: 'gold',
      table: 'a b',
    });
    expect(matched('/d/{id}', '/d/%')).toEqual({ id: '%' });
    expect([matched('/d/{id}', '/d/'), matched('/d/{id}', '/e/x'), matched('/', '/')]).toEqual([
      undefined,
      undefined,
      {},
    ]);
  });

  it('decides the order and the page of a table', () => {
    expect([nextSort('', 'a'), nextSort('a', 'a'), nextSort('-a', 'a'), nextSort('b', 'a')]).toEqual([
      'a',
      '-a',
      '',
      'a',
    ]);
    expect([pageStart(99, 25), pageStart(-1, 25), pageStart(100, 25)]).toEqual([75, 0, 100]);
  });
});

it('reads server-sent events however they are cut', () => {
  const text = ': here\n\nevent: release\ndata: {"a":1}\n\nretry: 2000\n\nevent: run\r\ndata: x\r\ndata: y\r\n\r\n';
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const read = eventReader();
      const events = places.slice(1).flatMap((to, i) => read(text.slice(places[i], to)));
      expect(events).toEqual([
        { event: 'release', data: '{"a":1}' },
        { event: 'run', data: 'x\ny' },
      ]);
    }),
  );
});

describe('charts', () => {
  const rows = (columns: readonly string[], ...cells: WidgetRows['rows']): WidgetRows => ({
    release: { release_id: 'r', created_at: '' },
    columns: columns.map((name) => ({ name, type: /^n/.test(name) ? 'double' : 'varchar' })),
    rows: cells,
    truncated: false,
  });
  const widget = (more: Partial<WidgetShape>): WidgetShape => ({
    id: 'w',
    kind: 'line',
    title: 'T',
    width: 6,
    filters: [],
    ...more,
  });

  it('make a series of each value of a column, with gaps where there is none', () => {
    const model = axisModel(
      widget({ x: 'm', y: ['n'], series: 's' }),
      rows(['m', 's', 'n'], ['1', 'a', 5], ['2', 'b', 6], ['2', 'a', '7']),
    );
    expect(model.categories).toEqual(['1', '2']);
    expect(model.series.map(({ name, points }) => [name, points.map(({ value }) => value)])).toEqual([
      ['a', [5, 7]],
      ['b', [undefined, 6]],
    ]);
  });

  it('find numbers and axis where nothing is declared', () => {
    const model = axisModel(widget({}), rows(['m', 'n_ca', 'n_b'], ['1', 5, null]));
    expect(model.series.map(({ name, points }) => [name, points[0]?.value])).toEqual([
      ['N ca', 5],
      ['N b', undefined],
    ]);
  });

  it('put small parts together, and keep the whole', () => {
    const parts = partsModel(
      widget({ name: 'm', value: 'n' }),
      rows(['m', 'n'], ['a', 1], ['b', 5], ['c', 2], ['d', 0]),
      2,
      'Other',
    );
    expect(parts).toEqual([
      { name: 'b', value: 5 },
      { name: 'Other', value: 3 },
    ]);
  });

  it('place boxes and cells', () => {
    const box = { min: 'n1', q1: 'n2', median: 'n3', q3: 'n4', max: 'n5' };
    const names = ['m', 'n1', 'n2', 'n3', 'n4', 'n5'];
    expect(boxModel(widget({ x: 'm', box }), rows(names, ['a', 1, 2, 3, 4, 5], ['b', 1, null, 3, 4, 5])).boxes).toEqual(
      [{ name: 'a', five: [1, 2, 3, 4, 5] }],
    );
    const heat = heatModel(
      widget({ x: 'm', series: 'w', y: ['n'] }),
      rows(['m', 'w', 'n'], ['x', 'p', 3], ['y', 'q', -1]),
    );
    expect(heat).toMatchObject({ columns: ['x', 'y'], rows: ['p', 'q'], least: -1, most: 3 });
    expect(heat.cells[1]).toEqual({ column: 1, row: 1, value: -1 });
  });

  it('are walked with the arrows', () => {
    const marks = [['a', 'b', 'c'], ['d']];
    const walk = (...keys: readonly string[]) =>
      keys.reduce<ReturnType<typeof movedMark>>(
        (at, key) => movedMark(marks, at === 'other' ? undefined : at, key),
        undefined,
      );
    expect(walk('ArrowRight')).toEqual({ row: 0, column: 0 });
    expect(walk('ArrowRight', 'End')).toEqual({ row: 0, column: 2 });
    expect(walk('End', 'ArrowDown')).toEqual({ row: 1, column: 0 });
    expect(walk('End', 'Escape')).toBeUndefined();
    expect([
      walk('a'),
      movedMark([['a']], { row: 0, column: 0 }, 'ArrowDown'),
      movedMark([], undefined, 'Home'),
    ]).toEqual(Array(3).fill('other'));
  });
});

describe('colours', () => {
  it.each(['light', 'dark'] as const)('%s: series differ for every eye, and stand out', (theme) => {
    const { series, surface, ink, quiet, scale } = PALETTES[theme];
    expect(nearest(series)).toBeGreaterThan(0.09);
    for (const one of series) expect([one, contrast(one, surface) >= 3]).toEqual([one, true]);
    for (const one of [ink, quiet]) expect(contrast(one, surface)).toBeGreaterThan(4.5);
    for (let share = 0; share <= 1; share += 0.05) {
      const color = scaleColor(scale, share);
      expect(contrast(color, inkOn(color))).toBeGreaterThan(4.5);
    }
  });
});

it('says everything in both languages', () => {
  expect(Object.keys(FR)).toEqual(Object.keys(EN));
});

describe('a table in the address', () => {
  const widget = { id: 'liste' } as WidgetShape;

  it('is read back as it was written, and leaves the filters of the page alone', () => {
    const query = withTable(widget, { sort: '-ca', found: 'a b', page: 3 }, new URLSearchParams('pays=Suisse'));
    expect(query.toString()).toBe('pays=Suisse&liste.sort=-ca&liste.find=a+b&liste.page=3');
    expect(readTable(widget, query)).toEqual({ sort: '-ca', found: 'a b', page: 3 });
    expect(atFirstPages(query).toString()).toBe('pays=Suisse&liste.sort=-ca&liste.find=a+b');
    expect(withTable(widget, { sort: '', found: '' }, query).toString()).toBe('pays=Suisse');
    expect(withTable(widget, { sort: 'nom' }, query).get('liste.page')).toBeNull();
  });

  it.each(['x', '-1', '0', '1.5', ''])('begins at the first page when it names page "%s"', (page) => {
    expect(readTable(widget, new URLSearchParams({ 'liste.page': page })).page).toBe(1);
  });
});

describe('the graph of tables', () => {
  it('draws no line across a table, however many there are', () => {
    const one = fc
      .integer({ min: 1, max: 60 })
      .chain((count) => fc.array(fc.array(fc.nat(count), { maxLength: 4 }), { minLength: count, maxLength: count }));
    fc.assert(
      fc.property(one, (reads) => {
        const tables = reads.map((parents, i) => ({
          table: `gold.t${i}`,
          layer: 'gold',
          state: 'ok',
          parents: [...new Set(parents.filter((parent) => parent < i))].map((parent) => `gold.t${parent}`),
        }));
        const { nodes, edges, height } = layoutOf(tables as unknown as Parameters<typeof layoutOf>[0]);
        expect(nodes).toHaveLength(tables.length);
        expect(edges).toHaveLength(tables.reduce((sum, { parents }) => sum + parents.length, 0));
        for (const { x, y } of nodes) expect([x >= 0, y >= 0, y + NODE.height <= height]).toEqual([true, true, true]);
        for (const { from, to, by } of edges) {
          // One lane for each column between the two, free of tables.
          expect(by.map(({ x }) => x)).toEqual(
            Array.from(
              { length: Math.round((to.x - from.x) / (NODE.width + NODE.across)) - 1 },
              (_, i) => from.x + (i + 1) * (NODE.width + NODE.across),
            ),
          );
          for (const lane of by)
            for (const node of nodes)
              if (node.x === lane.x) expect(lane.y < node.y || lane.y > node.y + NODE.height).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the colours of names', () => {
  const placesOf = nameColors(10);

  it('are the same in all charts of a page, whichever comes first and whatever is left out', () => {
    const bars = placesOf('mode', ['CB', 'VIREMENT', 'ESPECES']);
    expect(placesOf('mode', ['VIREMENT', 'CB', 'ESPECES'])).toEqual([bars[1], bars[0], bars[2]]);
    expect(placesOf('mode', ['ESPECES'])).toEqual([bars[2]]);
    expect(nameColors(10)('mode', ['VIREMENT', 'CB', 'ESPECES'])).toEqual([bars[1], bars[0], bars[2]]);
    expect(placesOf(undefined, ['b', 'a'])).toEqual([0, 1]);
  });

  it('differ within a chart for as long as there are enough', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,2}$/), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 12 }), (charts) => {
        const places = nameColors(10);
        for (const chart of charts) expect(new Set(places('column', chart)).size).toBe(chart.length);
      }),
    );
  });
});

/** One cause of every kind, so that a kind that is added is missed here by the compiler. */
const CAUSES: { readonly [K in Cause['kind']]: readonly Extract<Cause, { readonly kind: K }>[] } = {
  asked: [
    { kind: 'asked', flag: 'force' },
    { kind: 'asked', flag: 'full-refresh' },
  ],
  never_built: [{ kind: 'never_built' }],
  partly_built: [{ kind: 'partly_built' }],
  columns_differ: [{ kind: 'columns_differ', words: 'a column is missing' }],
  table_gone: [{ kind: 'table_gone' }],
  table_went_back: [{ kind: 'table_went_back', from: 3, to: 2 }],
  definition: [
    { kind: 'definition', changes: undefined },
    { kind: 'definition', changes: ['a', 'b', 'c', 'd'].map((part) => ({ part, change: 'added', diff: [] })) },
  ],
  new_table: [{ kind: 'new_table', tables: ['silver.a'] }],
  input_anew: [{ kind: 'input_anew', tables: ['silver.a', 'silver.b'] }],
  input: [{ kind: 'input', table: 'silver.a', from: 1, to: 2 }],
  clock: [{ kind: 'clock', reads: 'current_date', day: '2025-01-01' }],
  no_refresh: [{ kind: 'no_refresh', why: 'it has a window' }],
  no_data: [{ kind: 'no_data', tables: ['silver.a'] }],
  parent_moves: [{ kind: 'parent_moves', tables: ['silver.a', 'silver.b'] }],
  parent_failed: [
    { kind: 'parent_failed', table: 'silver.a' },
    { kind: 'parent_failed', table: 'silver.a', fail_fast: true },
  ],
  decided: [{ kind: 'decided', decisions: 2 }],
  files: [
    { kind: 'files', fresh: 1, unchanged: 0, waiting: 2 },
    { kind: 'files', fresh: 2, unchanged: 0, waiting: 0, gone: 1, gone_kept: 1 },
    { kind: 'files', fresh: 0, unchanged: 3, waiting: 0, gone: 2 },
    { kind: 'files', fresh: 0, unchanged: 3, waiting: 1 },
    { kind: 'files', fresh: 0, unchanged: 1, waiting: 0, undone: 1 },
    { kind: 'files', fresh: 0, unchanged: 0, waiting: 0, undone: 2 },
    { kind: 'files', fresh: 0, unchanged: 0, waiting: 1 },
    { kind: 'files', fresh: 0, unchanged: 0, waiting: 0, missing: 'in/a.csv: not there' },
    { kind: 'files', fresh: 0, unchanged: 0, waiting: 0, gone: 4, loaded: 5 },
  ],
  source: [],
  undone: [{ kind: 'undone', run_id: '01abc' }],
  backfill: [{ kind: 'backfill', from: '2025-01-01', to: '2025-02-01', number: 1, of: 2 }],
  tests_changed: [
    { kind: 'tests_changed', added: [] },
    { kind: 'tests_changed', added: ['row_count'] },
  ],
  nothing_moved: [{ kind: 'nothing_moved' }],
};

describe('reasons in French', () => {
  it('are known for every cause, alone and beside another', () => {
    for (const cause of Object.values(CAUSES).flat()) {
      const reason = reasonOf([cause, { kind: 'never_built' }]);
      const unknown = reasonInFrench(reason).filter(({ known }) => !known);
      expect([reason, unknown]).toEqual([reason, []]);
    }
    expect(reasonInFrench('2 new or changed files, 1 still being written; never built')).toEqual([
      { text: '2 fichiers nouveaux ou modifiés, 1 en cours d’écriture', known: true },
      { text: 'jamais construite', known: true },
    ]);
  });

  it('leave what a source said as it is', () => {
    expect(reasonInFrench('an API is asked on every run; never built')).toEqual([
      { text: 'an API is asked on every run', known: false },
      { text: 'jamais construite', known: true },
    ]);
  });
});

it('writes sizes, durations and shares as the language does', () => {
  expect([sizeText(1_500_000, 'fr'), sizeText(1_500_000, 'en'), sizeText(12, 'fr')].map(plain)).toEqual([
    '1,5 Mo',
    '1.5 MB',
    '12 o',
  ]);
  expect([durationText(200_000_000, 'fr'), durationText(200_000_000, 'en')]).toEqual(['2 j 7 h', '2 d 7 h']);
  expect([formattedNumber(0.031, '0.0%', 'fr'), formattedNumber(0.031, '0.0%', 'en')].map(plain)).toEqual([
    '3,1 %',
    '3.1%',
  ]);
});
