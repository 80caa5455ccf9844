import type { DashboardSpec, FilterSpec, PageSpec, WidgetSpec } from '../../../core/model/dashboard.ts';
import { answer, described, inQuery } from '../../pipeline/openapi.ts';
import type { JsonSchema } from '../json-schema.ts';
import { list, record } from '../shared-schemas.ts';
import { OFFSET_MAX } from '../table-request.ts';
import { tablesOfFilter } from './filter-defaults.ts';
import { filtersOfWidget, tablesOfWidget } from './widget-sql.ts';

type Json = Readonly<Record<string, unknown>>;

const BASE = '/api/v1/dashboard';
const TAG = 'dashboard';
const text: JsonSchema = { type: 'string' };
const release = record({ release_id: text, created_at: { type: 'string', format: 'date-time' } });
const cell: JsonSchema = { type: ['string', 'number', 'boolean', 'null'] };
const exported: JsonSchema = { type: 'array', items: { type: 'object' } };

const ROWS: JsonSchema = {
  type: 'object',
  properties: {
    release,
    columns: list(record({ name: text, type: text })),
    rows: list(list(cell)),
    total: { type: 'integer', description: 'Tables: rows of all pages.' },
    truncated: { type: 'boolean', description: 'There are more rows than a chart may have.' },
  },
  required: ['release', 'columns', 'rows', 'truncated'],
};
const VALUES: JsonSchema = {
  type: 'object',
  properties: {
    release,
    values: list(text),
    default: { type: 'string', description: 'What holds when nothing is chosen.' },
  },
  required: ['release', 'values'],
};
const AS_OF = inQuery('as_of', text, 'A release (its id, or the beginning of it) or a time.');
const UNCHANGED = { '304': { description: 'The same as the answer with the ETag that If-None-Match names.' } };

/** The description of what the pages of the dashboard ask, as far as the tables may be read. */
export function dashboardPaths(
  spec: DashboardSpec | undefined,
  may: (table: string) => boolean,
  rows_max: number,
): Record<string, Json> {
  const shape = record({ title: text, project: text, pages: list({ type: 'object' }), reader: { type: 'object' } });
  const events = { description: 'A stream that lasts.', content: { 'text/event-stream': { schema: text } } };
  const paths: Record<string, Json> = {
    [BASE]: {
      get: described(
        TAG,
        'Pages, filters and widgets as declared',
        [],
        { '200': answer(shape, 'The answer.'), ...UNCHANGED },
        TAG,
      ),
    },
    '/api/v1/events': {
      get: described('events', 'Releases and runs as server-sent events: release, run', [], { '200': events }, TAG),
    },
  };
  for (const page of spec?.pages ?? []) {
    for (const widget of page.widgets)
      if (widget.source !== undefined && tablesOfWidget(widget).every(may))
        paths[`${BASE}/pages/${page.id}/widgets/${widget.id}`] = { get: widgetQuestion(page, widget, rows_max) };
    for (const [name, filter] of Object.entries(page.filters))
      if (tablesOfFilter(filter).every(may))
        paths[`${BASE}/pages/${page.id}/filters/${name}`] = {
          get: described(
            `${TAG}.${page.id}.filters.${name}`,
            `What can be chosen as ${filter.label ?? name}`,
            [AS_OF],
            { '200': answer(VALUES, 'The answer.'), ...UNCHANGED },
            TAG,
          ),
        };
  }
  return paths;
}

function widgetQuestion(page: PageSpec, widget: WidgetSpec, rows_max: number): Json {
  const whole = (minimum: number, maximum: number): JsonSchema => ({ type: 'integer', minimum, maximum });
  const parameters = [
    ...filtersOfWidget(widget, page).map((name) => filterParameter(name, page.filters[name])),
    ...(widget.kind === 'table'
      ? [
          inQuery('limit', whole(1, rows_max), 'Rows of a page.'),
          inQuery('offset', whole(0, OFFSET_MAX), 'Rows to leave out before the page.'),
          inQuery('sort', text, 'Columns, separated by commas; - in front: the greatest first.'),
          inQuery('q', text, 'A text to be found in any column.'),
        ]
      : []),
    inQuery('format', { type: 'string', enum: ['csv', 'json'] }, 'All rows that the filters leave, as a file.'),
    AS_OF,
  ];
  const content = { 'application/json': { schema: { anyOf: [ROWS, exported] } }, 'text/csv': { schema: text } };
  const responses = { '200': { description: 'The answer.', content }, ...UNCHANGED };
  return described(`${TAG}.${page.id}.${widget.id}`, `Rows of ${widget.label}`, parameters, responses, TAG);
}

function filterParameter(name: string, filter: FilterSpec | undefined): Json {
  const { type, multiple = false, values } = filter ?? {};
  const one: JsonSchema = values === undefined ? text : { type: 'string', enum: values };
  if (type === 'date_range') return inQuery(name, text, 'Days: 2024-01-01..2024-12-31, either end open, or one day.');
  return inQuery(name, multiple ? list(one) : one, 'What is chosen; empty: no restriction.');
}
