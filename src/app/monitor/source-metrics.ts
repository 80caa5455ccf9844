import type { Project } from '../../core/model/project.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { MetricSheet } from './metric-sheet.ts';

/** How far back a look of a service still tells something. */
const LOOK_MS_MAX = 24 * 3_600_000;

/** Sources that are asked: where they stand, and what waited when a service looked last. */
export function sourceMetrics(sheet: MetricSheet, project: Project, ledger: Ledger, now_ms: number): void {
  for (const { source, sequence, position, ahead, committed_at } of ledger.sources.positions()) {
    const spec = project.sources[source];
    if (spec === undefined) continue;
    const labels = { source, type: spec.type };
    if (sequence > 0) sheet.setTime('dataflow_source_committed_timestamp_seconds', committed_at, labels);
    sheet.set('dataflow_source_batches_total', sequence, labels);
    if (spec.type === 'kafka') kafkaOffsets(sheet, source, ahead ?? position);
    const look = ledger.sources.looks(source, now_ms - LOOK_MS_MAX).at(-1);
    if (look === undefined) continue;
    const none = look.pending === 'none' ? 0 : undefined;
    sheet.set('dataflow_source_records_behind', look.behind ?? none, labels);
    const oldest_ms = look.oldest_ms ?? none;
    sheet.set('dataflow_source_oldest_pending_seconds', oldest_ms === undefined ? undefined : oldest_ms / 1000, labels);
    sheet.set('dataflow_source_looked_timestamp_seconds', look.looked_at_ms / 1000, labels);
  }
}

/** The position of a topic: `{ topic, offsets: { partition: next } }`. */
function kafkaOffsets(sheet: MetricSheet, source: string, position: Readonly<Record<string, unknown>>): void {
  const { topic, offsets } = position;
  if (typeof topic !== 'string' || typeof offsets !== 'object' || offsets === null) return;
  for (const [partition, next] of Object.entries(offsets))
    if (typeof next === 'number') sheet.set('dataflow_kafka_offset', next, { source, topic, partition });
}
