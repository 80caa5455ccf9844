/**
 * What the server tells the dashboard in a browser. Types alone: the pages in `src/dashboard` import nothing else of the program, so that neither
 * the engine nor Node comes near a browser.
 */

/** The release that an answer belongs to. */
export interface ReleaseShape {
  readonly release_id: string;
  readonly created_at: string;
}

/** `GET /api/v1/dashboard`: everything that is declared, and nothing of the rows. */
export interface DashboardShape {
  readonly title: string;
  readonly project: string;
  /** Absent: as the browser prefers. */
  readonly language?: 'en' | 'fr' | undefined;
  /** Null before the first release. */
  readonly release: ReleaseShape | null;
  readonly pages: readonly PageShape[];
  /** What whoever asks may do. */
  readonly reader: { readonly name: string | null; readonly operator: boolean };
}

export interface PageShape {
  /** Stands in the address: `/d/{id}`. */
  readonly id: string;
  readonly title: string;
  readonly description?: string | undefined;
  readonly filters: readonly FilterShape[];
  readonly widgets: readonly WidgetShape[];
}

/**
 * A filter of a page. Its state stands in the address by its name: `?pays=France&pays=Suisse`, `?periode=2024-01-01..2024-12-31` (either end may be
 * left out), `?granularite=mois`; the same words are sent with each question for rows.
 */
export interface FilterShape {
  readonly name: string;
  readonly kind: 'date_range' | 'choice' | 'text';
  readonly label: string;
  /** Choice: several values at once. */
  readonly multiple?: boolean | undefined;
  /** Choice: the values where they are declared; otherwise `GET /api/v1/dashboard/pages/{page}/filters/{name}` gives them. */
  readonly values?: readonly string[] | undefined;
  /** Choice: what declared values are called; a value that is not here is called as it is. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly default?: string | undefined;
}

export type WidgetKind =
  | 'metric'
  | 'line'
  | 'area'
  | 'bar'
  | 'pie'
  | 'treemap'
  | 'boxplot'
  | 'heatmap'
  | 'table'
  | 'text';

/** A widget: how it is shown. Its rows come from `GET /api/v1/dashboard/pages/{page}/widgets/{id}?filters`. */
export interface WidgetShape {
  readonly id: string;
  readonly kind: WidgetKind;
  readonly title: string;
  readonly description?: string | undefined;
  /** Twelfths of the page's width on a desk; one below the other on a phone. */
  readonly width: number;
  /** Spreadsheet pattern for values: `#,##0.00 €`, `0.0%`. */
  readonly format?: string | undefined;
  /** Charts: the column along the axis. */
  readonly x?: string | undefined;
  /** Charts: the columns of values; more than one makes a series each. */
  readonly y?: readonly string[] | undefined;
  /** Charts: the column whose values make the series; heat map: the rows. */
  readonly series?: string | undefined;
  readonly stacked?: boolean | undefined;
  readonly horizontal?: boolean | undefined;
  /** Pie and treemap: name and size of each part. */
  readonly name?: string | undefined;
  readonly value?: string | undefined;
  /** Box plot: the five columns. */
  readonly box?:
    | { readonly min: string; readonly q1: string; readonly median: string; readonly q3: string; readonly max: string }
    | undefined;
  /** Metric: with which value the change is told; the rows have the columns `value` and, for a change, `previous`. */
  readonly change?: { readonly label: string; readonly good: 'up' | 'down' | 'none' } | undefined;
  /** Table: what is shown of which column. */
  readonly columns?:
    | readonly { readonly name: string; readonly title: string; readonly format?: string | undefined }[]
    | undefined;
  /** Table: rows of one page of it. */
  readonly page_rows?: number | undefined;
  /** Text: what stands there, as plain paragraphs. */
  readonly text?: string | undefined;
  /** Names of the page's filters that change what this widget shows. */
  readonly filters: readonly string[];
}

/** A value in a cell. Numbers that a double does not hold exactly come as text; instants as ISO 8601 in UTC, dates as `2026-11-22`. */
export type Cell = string | number | boolean | null;

/**
 * `GET /api/v1/dashboard/pages/{page}/widgets/{id}`. Tables take `offset`, `limit`, `sort=-column` and `q` (a text to be found), and
 * `format=csv|json` for the export of all rows that the filters leave.
 */
export interface WidgetRows {
  readonly release: ReleaseShape;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows that there are, of which `rows` may be a page; tables only. */
  readonly total?: number | undefined;
  /** There are more rows than a widget may have. */
  readonly truncated: boolean;
}

/** `GET /api/v1/dashboard/pages/{page}/filters/{name}` */
export interface FilterValues {
  readonly release: ReleaseShape;
  readonly values: readonly string[];
  /** What holds when nothing was chosen, where the release decides it (`latest`, `30d`). */
  readonly default?: string | undefined;
}

/** `GET /api/v1/events`: server-sent events; `release` when one was published, `run` when a run began, went on or ended. */
export type ServerEvent =
  | { readonly event: 'release'; readonly data: ReleaseShape }
  | { readonly event: 'run'; readonly data: { readonly run_id: string; readonly status: string } };

/** What is told of a mistake, as `application/problem+json`. */
export interface ProblemShape {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string | undefined;
  readonly parameter?: string | undefined;
  readonly request_id: string;
}
