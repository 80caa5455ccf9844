import type { Project } from '../../core/model/project.ts';
import { parseTableKey, tableKey } from '../../core/model/table.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { MetricSheet } from './metric-sheet.ts';
import { staleLimits } from './stale-limits.ts';

/** Steps and tables, by the ledger. */
export function stepMetrics(sheet: MetricSheet, project: Project, ledger: Ledger): void {
  for (const one of ledger.tallies.steps()) {
    const labels = { table: one.step };
    sheet.set('dataflow_steps_total', one.steps, { ...labels, status: one.status });
    sheet.set('dataflow_step_seconds_total', one.seconds, labels);
    sheet.set('dataflow_step_rows_in_total', one.rows_in, labels);
    sheet.set('dataflow_step_rows_out_total', one.rows_out, labels);
    sheet.set('dataflow_step_rows_quarantined_total', one.quarantined, labels);
    sheet.set('dataflow_step_rows_deduplicated_total', one.deduplicated, labels);
    sheet.set('dataflow_step_rows_filtered_total', one.filtered, labels);
  }
  const limits = staleLimits(project);
  for (const step of ledger.latestSteps()) {
    const table = step.step;
    const success = ledger.lastSuccess(table);
    sheet.set('dataflow_table_failed', step.status === 'failed' ? 1 : 0, { table });
    sheet.setTime('dataflow_table_published_timestamp_seconds', success?.finished_at, { table });
    const limit_ms = limits.get(table);
    if (limit_ms !== undefined) sheet.set('dataflow_table_stale_after_seconds', limit_ms / 1000, { table });
    const tested = step.tests.length > 0 ? step : success;
    for (const { test, severity, passed, failures } of tested?.tests ?? []) {
      sheet.set('dataflow_table_test_passed', passed ? 1 : 0, { table, test, severity });
      sheet.set('dataflow_table_test_failures', failures, { table, test, severity });
    }
  }
  for (const { table, rule, rows } of ledger.quarantine()) sheet.set('dataflow_quarantine_rows', rows, { table, rule });
}

/** What lies in the lake: rows and sizes, by the newest entries of the tables' logs. A table that cannot be read is left out. */
export async function lakeMetrics(sheet: MetricSheet, lake: Lake): Promise<void> {
  let size_bytes = 0;
  for (const id of await lake.tables()) {
    const snapshot = await lake.snapshot(id).catch((): Snapshot | undefined => undefined);
    if (snapshot === undefined) continue;
    size_bytes += snapshot.size_bytes;
    const table = tableKey(id);
    if (id.layer === 'quarantine' || parseTableKey(table) === undefined) continue;
    sheet.set('dataflow_table_version', snapshot.version, { table });
    sheet.set('dataflow_table_rows', snapshot.rows, { table });
    sheet.set('dataflow_table_files', snapshot.file_count, { table });
    sheet.set('dataflow_table_size_bytes', snapshot.size_bytes, { table });
  }
  sheet.set('dataflow_lake_size_bytes', size_bytes);
}
