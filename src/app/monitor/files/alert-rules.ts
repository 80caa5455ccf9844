/** One rule for Prometheus, with the series that make it fire and those that do not, for its unit test. */
export interface AlertRule {
  readonly alert: string;
  /** What holds while something is wrong; `PROJECT` stands for the matcher of the project's label. */
  readonly expr: string;
  readonly for?: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
  readonly next: string;
  readonly examples: readonly AlertExample[];
}

/** Series of a unit test, one value a minute in Prometheus' notation, and what is expected of them. */
export interface AlertExample {
  /** Metric and labels without `project` → values. */
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  /** Labels of each alert beside project and severity; none: it must not fire. */
  readonly fires: readonly Readonly<Record<string, string>>[];
}

const MINUTES = 180;
const steady = (value: number): string => `${value}x${MINUTES}`;

/** The rules of a project. Thresholds that a project sets come as metrics, so that no rule has to change with them. */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    alert: 'DataflowRunFailed',
    expr: 'max by (project, status) (dataflow_run_last_status{PROJECT, status=~"failed|partial|interrupted"}) == 1',
    severity: 'critical',
    summary: 'The newest run of {{ $labels.project }} ended {{ $labels.status }}.',
    next: 'dataflow status; dataflow retry',
    examples: [
      { series: { 'dataflow_run_last_status{status="failed"}': '0 1 1' }, at: '2m', fires: [{ status: 'failed' }] },
      { series: { 'dataflow_run_last_status{status="succeeded"}': '1 1 1' }, at: '2m', fires: [] },
      { series: { 'dataflow_run_last_status{status="failed"}': '0 1 0' }, at: '2m', fires: [] },
    ],
  },
  {
    alert: 'DataflowTableStale',
    expr: 'time() - max by (project, table) (dataflow_table_published_timestamp_seconds{PROJECT}) > max by (project, table) (dataflow_table_stale_after_seconds{PROJECT})',
    severity: 'warning',
    summary: '{{ $labels.table }} of {{ $labels.project }} is older than its freshness allows.',
    next: 'dataflow why {{ $labels.table }}',
    examples: [
      {
        series: {
          'dataflow_table_published_timestamp_seconds{table="gold.t"}': steady(0),
          'dataflow_table_stale_after_seconds{table="gold.t"}': steady(3600),
        },
        at: '61m',
        fires: [{ table: 'gold.t' }],
      },
      {
        series: {
          'dataflow_table_published_timestamp_seconds{table="gold.t"}': steady(0),
          'dataflow_table_stale_after_seconds{table="gold.t"}': steady(3600),
        },
        at: '59m',
        fires: [],
      },
    ],
  },
  {
    alert: 'DataflowQuarantineGrows',
    expr: 'sum by (project, table) (dataflow_quarantine_rows{PROJECT}) - (sum by (project, table) (dataflow_quarantine_rows{PROJECT} offset 1h) or 0 * max by (project, table) (dataflow_table_version{PROJECT} offset 1h)) > 0',
    severity: 'warning',
    summary: '{{ $labels.table }} of {{ $labels.project }} has more rows in quarantine than an hour ago.',
    next: 'dataflow quarantine {{ $labels.table }}',
    examples: [
      {
        series: { 'dataflow_quarantine_rows{table="silver.t", rule="r"}': '5x80 9x80' },
        at: '90m',
        fires: [{ table: 'silver.t' }],
      },
      {
        series: {
          'dataflow_quarantine_rows{table="silver.t", rule="r"}': '_x80 9x80',
          'dataflow_table_version{table="silver.t"}': steady(1),
        },
        at: '90m',
        fires: [{ table: 'silver.t' }],
      },
      { series: { 'dataflow_quarantine_rows{table="silver.t", rule="r"}': steady(9) }, at: '90m', fires: [] },
    ],
  },
  {
    alert: 'DataflowSourceBehind',
    expr: 'min_over_time(dataflow_source_records_behind{PROJECT}[15m]) > 0 and delta(dataflow_source_records_behind{PROJECT}[15m]) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Records of {{ $labels.source }} come faster than {{ $labels.project }} takes them.',
    next: 'dataflow stream status',
    examples: [
      {
        series: { 'dataflow_source_records_behind{source="s", type="kafka"}': '100+50x60' },
        at: '40m',
        fires: [{ source: 's', type: 'kafka' }],
      },
      { series: { 'dataflow_source_records_behind{source="s", type="kafka"}': '9000-50x60' }, at: '40m', fires: [] },
    ],
  },
  {
    alert: 'DataflowDestinationBehind',
    expr: 'dataflow_destination_behind{PROJECT} == 1 and time() - dataflow_destination_behind_since_timestamp_seconds{PROJECT} > 3600',
    severity: 'warning',
    summary: 'The {{ $labels.kind }} {{ $labels.destination }} of {{ $labels.project }} misses a release for an hour.',
    next: 'dataflow load status; dataflow sync status',
    examples: [
      {
        series: {
          'dataflow_destination_behind{kind="load", destination="d"}': steady(1),
          'dataflow_destination_behind_since_timestamp_seconds{kind="load", destination="d"}': steady(600),
        },
        at: '71m',
        fires: [{ kind: 'load', destination: 'd' }],
      },
      {
        series: {
          'dataflow_destination_behind{kind="load", destination="d"}': steady(0),
          'dataflow_destination_behind_since_timestamp_seconds{kind="load", destination="d"}': steady(0),
        },
        at: '71m',
        fires: [],
      },
    ],
  },
  {
    alert: 'DataflowDiskFull',
    expr: 'min by (project) (dataflow_disk_free_bytes{PROJECT} / dataflow_disk_size_bytes{PROJECT}) < 0.1',
    for: '5m',
    severity: 'critical',
    summary: 'Less than a tenth of the disk of {{ $labels.project }} is free.',
    next: 'dataflow compact --dry-run',
    examples: [
      {
        series: { dataflow_disk_free_bytes: steady(5), dataflow_disk_size_bytes: steady(100) },
        at: '10m',
        fires: [{}],
      },
      { series: { dataflow_disk_free_bytes: steady(50), dataflow_disk_size_bytes: steady(100) }, at: '10m', fires: [] },
    ],
  },
  {
    alert: 'DataflowApiErrors',
    expr: 'sum by (project) (rate(dataflow_http_requests_total{PROJECT, status=~"5.."}[10m])) / sum by (project) (rate(dataflow_http_requests_total{PROJECT}[10m])) > 0.05',
    for: '5m',
    severity: 'warning',
    summary: 'More than one in twenty requests to {{ $labels.project }} fails inside.',
    next: 'look into the log of dataflow serve',
    examples: [
      {
        series: {
          'dataflow_http_requests_total{status="500"}': '0+10x60',
          'dataflow_http_requests_total{status="200"}': '0+90x60',
        },
        at: '30m',
        fires: [{}],
      },
      {
        series: {
          'dataflow_http_requests_total{status="500"}': '0+1x60',
          'dataflow_http_requests_total{status="200"}': '0+99x60',
        },
        at: '30m',
        fires: [],
      },
    ],
  },
  {
    alert: 'DataflowSilent',
    expr: 'absent(dataflow_build_info{PROJECT})',
    for: '10m',
    severity: 'critical',
    summary: 'There are no numbers of {{ $labels.project }}.',
    next: 'see whether dataflow serve, or node_exporter, is up',
    examples: [
      { series: { 'dataflow_build_info{version="1"}': `1 _x60` }, at: '30m', fires: [{}] },
      { series: { 'dataflow_build_info{version="1"}': steady(1) }, at: '30m', fires: [] },
    ],
  },
];
