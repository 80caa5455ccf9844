import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProjectFiles } from './project-files.fixture.ts';

/** `dashboard:` as it is written: what comes of it, and what is said of mistakes. */
let folder: ProjectFiles;
beforeEach(() => {
  folder = new ProjectFiles();
});
afterEach(() => folder.remove());

const TABLES = `sources:
  s: { type: files, path: x.csv, columns: { id: bigint, montant: "decimal(12,2)", jour: date } }
silver:
  v: { from: s }
gold:
  g: { sql: "select jour, sum(montant) as ca from silver.v group by all" }
`;
/** The line of the first widget of a page. */
const PAGE = `${TABLES}dashboard:
  pages:
    - title: Vue d'ensemble
      filters: { jours: { type: date_range }, mode: { type: choice, values: [a, b] } }
      widgets:
`;

const widget = (text: string): string => `${PAGE}        - ${text}\n`;

const PROBLEMS: readonly (readonly [string, string, string])[] = [
  ['no kind', '{ label: x }', '12:11 E_CONFIG_INVALID dashboard.pages[0].widgets[0]: give exactly one of metric, line'],
  [
    'an unknown key',
    '{ bar: { table: gold.g, x: jour, y: ca, colour: red } }',
    '12:51 E_CONFIG_INVALID dashboard.pages[0].widgets[0].bar.colour: unknown key',
  ],
  [
    'table and sql',
    '{ pie: { table: gold.g, sql: select 1, name: a, value: b } }',
    '12:13 E_CONFIG_INVALID dashboard.pages[0].widgets[0].pie: give either table or sql',
  ],
  [
    'an unknown table',
    '{ bar: { table: gold.h, x: jour, y: ca } }',
    '12:27 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].bar.table: there is no table gold.h',
  ],
  [
    'an unknown table in a query',
    '{ metric: select count(*) from gold.h }',
    '12:21 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].metric: there is no table gold.h',
  ],
  [
    'an unknown column',
    '{ bar: { table: silver.v, x: jours, y: sum(montant) } }',
    '12:40 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].bar.x: silver.v has no column jours',
  ],
  [
    'an unknown column in an aggregate',
    '{ bar: { table: silver.v, x: jour, y: sum(montan) } }',
    '12:49 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].bar.y: silver.v has no column montan',
  ],
  [
    'an aggregate that is none',
    '{ bar: { table: gold.g, x: jour, y: first(ca) } }',
    '12:47 E_CONFIG_INVALID dashboard.pages[0].widgets[0].bar.y: expected a column, or one of sum',
  ],
  [
    'an unknown filter in a query',
    '{ metric: { sql: "select 1 where $mois is null" } }',
    '12:28 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].metric.sql: $mois is no filter of this page',
  ],
  [
    'a range by its name alone',
    '{ metric: "select count(*) from gold.g where jour = $jours" }',
    '12:21 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].metric: $jours is no filter of this page',
  ],
  [
    'an unknown filter in a condition',
    '{ table: { table: gold.g, where: ca > $min } }',
    '12:44 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].table.where: $min is no filter of this page',
  ],
  [
    'an unknown filter of a table',
    '{ table: { table: gold.g, filters: { mois: jour } } }',
    '12:54 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].table.filters.mois: there is no filter mois on this page',
  ],
  [
    'a condition that ends the query',
    '{ table: { table: gold.g, where: "1 = 1); drop table x" } }',
    '12:44 E_CONFIG_INVALID dashboard.pages[0].widgets[0].table.where: the SQL',
  ],
  [
    'the clock',
    '{ metric: select count(*) from gold.g where jour = current_date }',
    '12:21 E_CONFIG_REFERENCE dashboard.pages[0].widgets[0].metric: current_date gives something else at every call',
  ],
  [
    'a change of a chart',
    '{ bar: { table: gold.g, x: jour, y: ca }, change: { label: x } }',
    '12:53 E_CONFIG_INVALID dashboard.pages[0].widgets[0].change: change is for a metric',
  ],
  [
    'an id twice',
    '{ id: a, text: x }\n        - { id: a, text: y }',
    '13:17 E_CONFIG_INVALID dashboard.pages[0].widgets[1].id: the id a occurs twice',
  ],
];

describe('mistakes in dashboard:', () => {
  it.each(PROBLEMS)('%s', async (_title, text, expected) => {
    folder.put({ 'pipelines.yaml': widget(text) });
    const problems = await folder.problems();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`pipelines.yaml:${expected}`);
  });

  it.each([
    ['{ a: { type: choice } }', 'a choice needs one of values, sql, and table with column'],
    ['{ a: { type: text, values: [x] } }', 'values, sql and multiple are for a choice'],
    ['{ a: { type: choice, values: { x: X }, default: X } }', 'the default is none of what can be chosen'],
    ['{ a: { type: choice, values: {} } }', 'name at least one value'],
    ['{ a: { type: choice, values: [x], default: y } }', 'the default is none of what can be chosen'],
    ['{ a: { type: date_range, default: yesterday } }', 'the default is none of what can be chosen'],
    ['{ a: { type: date_range, default: 30d } }', 'the default is none of what can be chosen'],
    ['{ limit: { type: text } }', 'these names are taken'],
    ['{ a: { type: choice, sql: "select $b" } }', '$b: what can be chosen does not depend on filters'],
    ['{ a: { type: choice, table: silver.v, column: pays } }', 'silver.v has no column pays'],
  ])('filters: %s', async (filters, expected) => {
    folder.put({
      'pipelines.yaml': `${TABLES}dashboard:\n  pages:\n    - { title: T, filters: ${filters}, widgets: [{ text: x }] }\n`,
    });
    const problems = await folder.problems();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^pipelines\.yaml:9:\d+ /);
    expect(problems[0]).toContain(expected);
  });
});

it('gives pages and widgets ids of their titles, widths of their kinds, and labels of what they show', async () => {
  folder.put({
    'pipelines.yaml': `${PAGE}        - { metric: select count(*) from gold.g, label: Écart-type }
        - { metric: select 1, label: Ecart type }
        - { bar: { table: silver.v, x: jour, y: [sum(montant), avg(montant)] } }
        - { table: gold.g, width: 4 }
        - { boxplot: { table: silver.v, x: jour, value: montant }, id: boite }
        - { heatmap: { table: silver.v, x: jour, y: id, value: count(*), filters: { jours: jour } } }
    - { title: Vue d'ensemble, widgets: [{ text: Bonjour }] }
`,
  });
  const { project } = await folder.load();
  const [first, second] = project.dashboard?.pages ?? [];
  expect([first?.id, second?.id]).toEqual(['vue-d-ensemble', 'vue-d-ensemble-2']);
  expect(first?.widgets.map(({ id, width, label }) => [id, width, label])).toEqual([
    ['ecart-type', 3, 'Écart-type'],
    ['ecart-type-2', 3, 'Ecart type'],
    ['bar', 6, 'sum(montant), avg(montant)'],
    ['table', 4, 'gold.g'],
    ['boite', 6, 'montant'],
    ['heatmap', 6, 'count(*)'],
  ]);
  expect(first?.widgets[5]).toMatchObject({ x: 'jour', series: 'id', value: 'count(*)' });
  expect(first?.widgets[5]?.source?.filters).toEqual({ jours: 'jour' });
});
