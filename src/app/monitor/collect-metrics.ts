import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricFamily } from '../../core/model/metric.ts';
import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { destinationMetrics } from './destination-metrics.ts';
import { MetricSheet } from './metric-sheet.ts';
import { runMetrics } from './run-metrics.ts';
import { sourceMetrics } from './source-metrics.ts';
import { lakeMetrics, stepMetrics } from './table-metrics.ts';

/**
 * All numbers of a project, from the ledger and the logs of the tables: the same whoever asks, since runs of cron and of other shells are in there too.
 * Opens no engine and reaches no other system but the place of the lake.
 * @param checked_ms when a run came to its end last: one with nothing to do leaves no trace in the ledger.
 */
export async function collectMetrics(
  rooms: Rooms,
  project: Project,
  checked_ms?: number,
): Promise<readonly MetricFamily[]> {
  const sheet = new MetricSheet(project.name);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  const now_ms = Date.now();
  try {
    sheet.set('dataflow_build_info', 1, { version: rooms.version });
    runMetrics(sheet, ledger);
    if (checked_ms !== undefined) sheet.set('dataflow_last_check_timestamp_seconds', checked_ms / 1000);
    stepMetrics(sheet, project, ledger);
    sourceMetrics(sheet, project, ledger, now_ms);
    destinationMetrics(sheet, project, ledger);
    sheet.setTime('dataflow_release_created_timestamp_seconds', ledger.latestRelease()?.created_at);
  } finally {
    ledger.close();
  }
  await lakeMetrics(sheet, lake);
  await diskMetrics(sheet, rooms.stateFolder(project));
  sheet.set('dataflow_metrics_collected_timestamp_seconds', now_ms / 1000);
  return sheet.families();
}

/** The ledger with its log, and the disk that it lies on. */
async function diskMetrics(sheet: MetricSheet, folder: string): Promise<void> {
  const file = join(folder, 'ledger.db');
  const sizes = await Promise.all(
    [file, `${file}-wal`].map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  sheet.set(
    'dataflow_ledger_size_bytes',
    sizes.reduce((sum, size) => sum + size, 0),
  );
  const disk = await statfs(folder).catch(() => undefined);
  if (disk === undefined) return;
  sheet.set('dataflow_disk_free_bytes', disk.bavail * disk.bsize);
  sheet.set('dataflow_disk_size_bytes', disk.blocks * disk.bsize);
}
