import type { DashboardShape, FilterShape, PageShape, WidgetShape } from '../../../core/contract/dashboard.ts';
import type { FilterSpec, PageSpec, WidgetSpec } from '../../../core/model/dashboard.ts';
import type { Project } from '../../../core/model/project.ts';
import type { ReleaseRecord } from '../../../core/ports/ledger.ts';
import { BOX, filtersOfWidget, namesOf } from './widget-sql.ts';

/** Everything that is declared, as the browser needs it; nothing of queries and tables. */
export function dashboardShape(
  { name, dashboard }: Pick<Project, 'name' | 'dashboard'>,
  release: ReleaseRecord | undefined,
  reader: DashboardShape['reader'],
): DashboardShape {
  return {
    title: dashboard?.title ?? name,
    project: name,
    language: dashboard?.language,
    release: release === undefined ? null : { release_id: release.release_id, created_at: release.created_at },
    pages: (dashboard?.pages ?? []).map(pageShape),
    reader,
  };
}

function pageShape(page: PageSpec): PageShape {
  const { id, title, description, filters } = page;
  return {
    id,
    title,
    description,
    filters: Object.entries(filters).map(([name, filter]) => filterShape(name, filter)),
    widgets: page.widgets.map((widget) => widgetShape(widget, page)),
  };
}

function filterShape(
  name: string,
  { type, label = name, multiple, values, labels, default: fallback }: FilterSpec,
): FilterShape {
  const more = type === 'choice' ? { multiple, values, labels } : {};
  return { name, kind: type, label, ...more, default: fallback };
}

function widgetShape(widget: WidgetSpec, page: PageSpec): WidgetShape {
  const { id, kind, label, description, width, format, x, series, stacked, horizontal, name, change, columns } = widget;
  const { y, value } = namesOf(widget);
  const common = { id, kind, title: label, description, width, format, x, filters: filtersOfWidget(widget, page) };
  switch (kind) {
    case 'metric':
      return { ...common, change: change === undefined ? undefined : { label: change.label, good: change.good } };
    case 'line':
    case 'area':
    case 'bar':
      return { ...common, y, series, stacked, horizontal };
    case 'pie':
    case 'treemap':
      return { ...common, name, value };
    case 'boxplot':
      return { ...common, box: widget.value === undefined ? widget.box : BOX };
    case 'heatmap':
      return { ...common, series, y: value === undefined ? undefined : [value] };
    case 'table':
      return { ...common, columns, page_rows: widget.page_rows };
    case 'text':
      return { ...common, text: widget.text };
  }
}
