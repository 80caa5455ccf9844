import { createHash } from 'node:crypto';
import type { Project } from '../../../core/model/project.ts';

/** Name under which the data source is provisioned; the dashboard asks it. */
const SOURCE = { type: 'prometheus', uid: 'dataflow-prometheus' };
/** Grafana's grid. */
const GRID = { columns: 24, height: 8 };

interface Panel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'table' | 'bargauge';
  readonly width: number;
  /** Legend → query; `PROJECT` stands for the matcher of the project. */
  readonly queries: Readonly<Record<string, string>>;
  readonly unit?: string;
  readonly description?: string;
  /** Value from which it is shown red, with green below. */
  readonly red_from?: number;
}

export function dataSource(prometheus_url: string): object {
  const source = { name: 'dataflow', ...SOURCE, access: 'proxy', url: prometheus_url, isDefault: false };
  return { apiVersion: 1, datasources: [{ ...source, editable: false }] };
}

export function dashboardProvider(folder: string): object {
  const provider = { name: 'dataflow', folder: 'dataflow', type: 'file', disableDeletion: false };
  return { apiVersion: 1, providers: [{ ...provider, options: { path: folder } }] };
}

/** The dashboard "Pipeline overview" of a project: only panels that it has numbers for. */
export function dashboardFor(project: Project): object {
  const uid = `dataflow-${createHash('sha256').update(project.name).digest('hex').slice(0, 16)}`;
  return {
    uid,
    title: `Pipeline overview: ${project.name}`,
    tags: ['dataflow'],
    timezone: 'browser',
    schemaVersion: 38,
    refresh: '30s',
    time: { from: 'now-24h', to: 'now' },
    panels: placed(panelsFor(project), project.name),
  };
}

function panelsFor(project: Project): readonly Panel[] {
  const asked = Object.values(project.sources).some((source) => source.pulled === true);
  const kafka = Object.values(project.sources).some((source) => source.type === 'kafka');
  const goes_out = [project.loads, project.mirrors, project.streams].some((one) => Object.keys(one ?? {}).length > 0);
  return [
    ...HEAD,
    ...RUNS,
    ...TABLES,
    ...(asked ? SOURCES : []),
    ...(kafka ? KAFKA : []),
    ...(goes_out ? DESTINATIONS : []),
    ...SERVING,
  ];
}

const HEAD: readonly Panel[] = [
  {
    title: 'Last run',
    kind: 'stat',
    width: 6,
    queries: { '{{status}}': 'max by (status) (dataflow_run_last_status{PROJECT}) == 1' },
    description: 'How the newest run that ended did end.',
  },
  {
    title: 'Since the last success',
    kind: 'stat',
    width: 6,
    unit: 's',
    queries: { age: 'time() - max(dataflow_run_last_success_timestamp_seconds{PROJECT})' },
  },
  {
    title: 'Tables that failed',
    kind: 'stat',
    width: 4,
    queries: { tables: 'sum(max by (table) (dataflow_table_failed{PROJECT}))' },
    red_from: 1,
  },
  {
    title: 'Rows in quarantine',
    kind: 'stat',
    width: 4,
    queries: { rows: 'sum(max by (table, rule) (dataflow_quarantine_rows{PROJECT})) or vector(0)' },
    red_from: 1,
  },
  {
    title: 'Disk in use',
    kind: 'stat',
    width: 4,
    unit: 'percentunit',
    queries: { used: 'max(1 - dataflow_disk_free_bytes{PROJECT} / dataflow_disk_size_bytes{PROJECT})' },
    red_from: 0.9,
  },
];

const RUNS: readonly Panel[] = [
  {
    title: 'Runs',
    kind: 'timeseries',
    width: 12,
    queries: { '{{status}}': 'max by (status) (increase(dataflow_runs_total{PROJECT}[1h]))' },
    description: 'Runs that ended in the hour before. Runs with nothing to do are not counted.',
  },
  {
    title: 'Time of a run',
    kind: 'timeseries',
    width: 12,
    unit: 's',
    queries: { 'newest run': 'max(dataflow_run_last_duration_seconds{PROJECT})' },
  },
];

const TABLES: readonly Panel[] = [
  {
    title: 'Rows by where they went',
    kind: 'timeseries',
    width: 12,
    queries: {
      in: 'sum(increase(dataflow_step_rows_in_total{PROJECT, table=~"bronze.+"}[1h]))',
      'quarantined {{table}}': 'sum by (table) (increase(dataflow_step_rows_quarantined_total{PROJECT}[1h])) > 0',
      'out {{table}}': 'sum by (table) (increase(dataflow_step_rows_out_total{PROJECT, table=~"gold.+"}[1h])) > 0',
    },
  },
  {
    title: 'Quarantine by rule',
    kind: 'bargauge',
    width: 12,
    queries: { '{{table}} {{rule}}': 'topk(15, max by (table, rule) (dataflow_quarantine_rows{PROJECT}))' },
  },
  {
    title: 'Age of tables',
    kind: 'bargauge',
    width: 12,
    unit: 's',
    queries: {
      '{{table}}': 'topk(30, time() - max by (table) (dataflow_table_published_timestamp_seconds{PROJECT}))',
    },
    description: 'Since a step published them last.',
  },
  {
    title: 'Rows of tables',
    kind: 'table',
    width: 6,
    queries: { '{{table}}': 'max by (table) (dataflow_table_rows{PROJECT})' },
  },
  {
    title: 'Tests that do not pass',
    kind: 'table',
    width: 6,
    queries: { '{{table}} {{test}}': 'max by (table, test, severity) (dataflow_table_test_failures{PROJECT}) > 0' },
  },
  {
    title: 'Time of steps',
    kind: 'timeseries',
    width: 12,
    unit: 's',
    queries: { '{{table}}': 'topk(10, sum by (table) (increase(dataflow_step_seconds_total{PROJECT}[1h])) > 0)' },
  },
  {
    title: 'Size of lake and ledger',
    kind: 'timeseries',
    width: 12,
    unit: 'bytes',
    queries: {
      lake: 'max(dataflow_lake_size_bytes{PROJECT})',
      ledger: 'max(dataflow_ledger_size_bytes{PROJECT})',
    },
  },
];

const SOURCES: readonly Panel[] = [
  {
    title: 'Records that wait',
    kind: 'timeseries',
    width: 12,
    queries: { '{{source}}': 'max by (source) (dataflow_source_records_behind{PROJECT})' },
  },
  {
    title: 'Age of the oldest record that waits',
    kind: 'timeseries',
    width: 12,
    unit: 's',
    queries: { '{{source}}': 'max by (source) (dataflow_source_oldest_pending_seconds{PROJECT})' },
  },
];

const KAFKA: readonly Panel[] = [
  {
    title: 'Messages taken',
    kind: 'timeseries',
    width: 24,
    unit: 'ops',
    queries: { '{{topic}}': 'sum by (topic) (deriv(dataflow_kafka_offset{PROJECT}[5m]))' },
  },
];

const DESTINATIONS: readonly Panel[] = [
  {
    title: 'Destinations behind since',
    kind: 'bargauge',
    width: 12,
    unit: 's',
    queries: {
      '{{kind}} {{destination}}':
        '(time() - max by (kind, destination) (dataflow_destination_behind_since_timestamp_seconds{PROJECT})) * max by (kind, destination) (dataflow_destination_behind{PROJECT})',
    },
  },
  {
    title: 'From publish to destination',
    kind: 'timeseries',
    width: 12,
    unit: 's',
    queries: { '{{destination}}': 'max by (destination) (dataflow_destination_refresh_seconds{PROJECT})' },
  },
];

const SERVING: readonly Panel[] = [
  {
    title: 'Requests',
    kind: 'timeseries',
    width: 12,
    unit: 'reqps',
    queries: { '{{status}}': 'sum by (status) (rate(dataflow_http_requests_total{PROJECT}[5m]))' },
  },
  {
    title: 'Time of an answer',
    kind: 'timeseries',
    width: 12,
    unit: 's',
    queries: {
      'half of them':
        'histogram_quantile(0.5, sum by (le) (rate(dataflow_http_request_duration_seconds_bucket{PROJECT}[5m])))',
      '99 of 100':
        'histogram_quantile(0.99, sum by (le) (rate(dataflow_http_request_duration_seconds_bucket{PROJECT}[5m])))',
    },
  },
];

/** Panels in lines of the grid, in their order. */
function placed(panels: readonly Panel[], project: string): readonly object[] {
  let [x, y] = [0, 0];
  return panels.map((panel, i) => {
    const height = panel.kind === 'stat' ? GRID.height / 2 : GRID.height;
    if (x + panel.width > GRID.columns) [x, y] = [0, y + GRID.height];
    const gridPos = { x, y, w: panel.width, h: height };
    x += panel.width;
    return { id: i + 1, gridPos, ...panelFor(panel, project) };
  });
}

function panelFor({ title, kind, queries, unit, description, red_from }: Panel, project: string): object {
  const instant = kind !== 'timeseries';
  const targets = Object.entries(queries).map(([legendFormat, expr], i) => ({
    refId: String.fromCharCode(65 + i),
    datasource: SOURCE,
    expr: expr.replaceAll('PROJECT', `project=${JSON.stringify(project)}`),
    legendFormat,
    ...(instant ? { instant: true, range: false, format: kind === 'table' ? 'table' : 'time_series' } : {}),
  }));
  const steps = [
    { color: 'green', value: null },
    ...(red_from === undefined ? [] : [{ color: 'red', value: red_from }]),
  ];
  const defaults = { unit: unit ?? 'short', thresholds: { mode: 'absolute', steps } };
  return {
    title,
    type: kind,
    ...(description === undefined ? {} : { description }),
    datasource: SOURCE,
    targets,
    fieldConfig: { defaults, overrides: [] },
    options: kind === 'stat' ? { textMode: title === 'Last run' ? 'name' : 'value' } : {},
  };
}
