import type { MetricSpec } from '../../core/model/metric.ts';

type Text = readonly [kind: MetricSpec['kind'], help: string, labels?: readonly string[]];

const TEXTS = {
  dataflow_build_info: ['gauge', 'Version of dataflow; the value is always 1.', ['version']],
  dataflow_runs_total: ['counter', 'Runs that ended, by how. Runs with nothing to do leave no trace.', ['status']],
  dataflow_run_seconds_total: ['counter', 'Time that these runs took.', ['status']],
  dataflow_run_in_progress: ['gauge', '1 while a run is at work.'],
  dataflow_run_last_status: ['gauge', '1 for the way in which the newest ended run ended, 0 for others.', ['status']],
  dataflow_run_last_started_timestamp_seconds: ['gauge', 'When the newest ended run began.'],
  dataflow_run_last_finished_timestamp_seconds: ['gauge', 'When the newest ended run ended.'],
  dataflow_run_last_success_timestamp_seconds: ['gauge', 'When the newest run that succeeded ended.'],
  dataflow_last_check_timestamp_seconds: [
    'gauge',
    'When a run came to its end last, also one with nothing to do; in the file and the push of runs.',
  ],
  dataflow_run_last_duration_seconds: ['gauge', 'Time that the newest ended run took.'],
  dataflow_run_last_cpu_seconds: ['gauge', 'CPU time of the newest ended run.'],
  dataflow_run_last_peak_memory_bytes: ['gauge', 'Largest resident set of the newest ended run.'],
  dataflow_steps_total: [
    'counter',
    'Steps that ended, by table and how; without those up to date.',
    ['table', 'status'],
  ],
  dataflow_step_seconds_total: ['counter', 'Time that the steps of a table took.', ['table']],
  dataflow_step_rows_in_total: ['counter', 'Rows that the steps of a table read.', ['table']],
  dataflow_step_rows_out_total: ['counter', 'Rows that the steps of a table published.', ['table']],
  dataflow_step_rows_quarantined_total: ['counter', 'Rows that the steps of a table put aside.', ['table']],
  dataflow_step_rows_deduplicated_total: ['counter', 'Rows that lost against another one of their key.', ['table']],
  dataflow_step_rows_filtered_total: ['counter', 'Rows that `where` left out.', ['table']],
  dataflow_table_version: ['gauge', 'Newest version of a table.', ['table']],
  dataflow_table_rows: ['gauge', 'Rows of a table.', ['table']],
  dataflow_table_files: ['gauge', 'Data files that a table consists of.', ['table']],
  dataflow_table_size_bytes: ['gauge', 'Size of the data files that a table consists of.', ['table']],
  dataflow_table_published_timestamp_seconds: ['gauge', 'When a step published a table last.', ['table']],
  dataflow_table_stale_after_seconds: ['gauge', 'Age of the newest publish at which a table is stale.', ['table']],
  dataflow_table_failed: ['gauge', '1 when the newest step of a table failed.', ['table']],
  dataflow_table_test_passed: ['gauge', 'Whether a test of a table passed last.', ['table', 'test', 'severity']],
  dataflow_table_test_failures: ['gauge', 'Failures that a test found last.', ['table', 'test', 'severity']],
  dataflow_quarantine_rows: ['gauge', 'Rows of a table that lie in quarantine now, by rule.', ['table', 'rule']],
  dataflow_source_committed_timestamp_seconds: ['gauge', 'When the newest batch was committed.', ['source', 'type']],
  dataflow_source_batches_total: ['counter', 'Batches that were committed.', ['source', 'type']],
  dataflow_source_records_behind: ['gauge', 'Records that waited at the last look of a service.', ['source', 'type']],
  dataflow_source_oldest_pending_seconds: [
    'gauge',
    'Age of the oldest record that waited at the last look of a service.',
    ['source', 'type'],
  ],
  dataflow_source_looked_timestamp_seconds: ['gauge', 'When a service looked last.', ['source', 'type']],
  dataflow_kafka_offset: ['gauge', 'Next offset to be read of a partition.', ['source', 'topic', 'partition']],
  dataflow_destination_behind: [
    'gauge',
    '1 when a destination does not hold the newest release, by what the ledger remembers.',
    ['kind', 'destination'],
  ],
  dataflow_destination_behind_since_timestamp_seconds: [
    'gauge',
    'When the first release was recorded that the destination does not hold; 0 when it holds the newest.',
    ['kind', 'destination'],
  ],
  dataflow_destination_updated_timestamp_seconds: [
    'gauge',
    'When a destination was brought up to date last.',
    ['kind', 'destination'],
  ],
  dataflow_destination_refresh_seconds: [
    'gauge',
    'From the publication of a version in the lake to the end of its load, at most over the tables.',
    ['kind', 'destination'],
  ],
  dataflow_destination_rows: ['gauge', 'Rows that a load holds.', ['kind', 'destination']],
  dataflow_mirror_size_bytes: ['gauge', 'Size of the files of a mirror.', ['destination']],
  dataflow_mirror_files: ['gauge', 'Files of a mirror.', ['destination']],
  dataflow_release_created_timestamp_seconds: ['gauge', 'When the newest release was recorded.'],
  dataflow_lake_size_bytes: ['gauge', 'Size of the newest versions of all tables, quarantine included.'],
  dataflow_ledger_size_bytes: ['gauge', 'Size of the ledger.'],
  dataflow_disk_free_bytes: ['gauge', 'Space left on the file system of the ledger and a lake on this machine.'],
  dataflow_disk_size_bytes: ['gauge', 'Size of that file system.'],
  dataflow_metrics_left_out: ['gauge', 'Values that were left out because a metric had too many.', ['metric']],
  dataflow_metrics_collected_timestamp_seconds: ['gauge', 'When these numbers were read from the ledger.'],
} satisfies Readonly<Record<string, Text>>;

export type MetricName = keyof typeof TEXTS;

/** Every number that comes from the ledger and the lake. Those of the server are beside it, in the room that answers. */
export const METRICS: ReadonlyMap<MetricName, MetricSpec> = new Map(
  (Object.entries(TEXTS) as [MetricName, Text][]).map(([name, [kind, help, labels = []]]) => [
    name,
    { name, kind, help, labels },
  ]),
);

/** Values that one metric has at most: monitoring systems pay by the value. */
export const SAMPLES_MAX = 2_000;
/** Longest value of a label. */
export const LABEL_CHARS_MAX = 120;
