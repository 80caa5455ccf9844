import type { MetricSpec } from '../core/model/metric.ts';

type Text = readonly [kind: MetricSpec['kind'], help: string, labels?: readonly string[]];

const TEXTS = {
  dataflow_http_requests_total: ['counter', 'Requests answered.', ['method', 'route', 'status']],
  dataflow_http_request_duration_seconds: [
    'histogram',
    'Time until a request was answered in full.',
    ['method', 'route'],
  ],
  dataflow_serve_release_created_timestamp_seconds: ['gauge', 'When the release that is served was recorded.'],
  dataflow_serve_release_age_seconds: ['gauge', 'Age of the release that is served.'],
  dataflow_serve_questions_working: ['gauge', 'Questions that the engine works on.'],
  dataflow_serve_questions_waiting: ['gauge', 'Questions that wait for the engine.'],
  dataflow_serve_cache_bytes: ['gauge', 'Memory of answers that are kept.'],
  dataflow_serve_cache_hits_total: ['counter', 'Requests answered from memory.'],
} satisfies Readonly<Record<string, Text>>;

export type ServerMetricName = keyof typeof TEXTS;

/** The numbers of a server's own process: they stand at `/metrics` alone. */
export const SERVER_METRICS: ReadonlyMap<ServerMetricName, MetricSpec> = new Map(
  (Object.entries(TEXTS) as [ServerMetricName, Text][]).map(([name, [kind, help, labels = []]]) => [
    name,
    { name, kind, help, labels },
  ]),
);

/** @throws Error when there is none of that name */
export function serverMetric(name: ServerMetricName): { name: string; help: string; labelNames: string[] } {
  const spec = SERVER_METRICS.get(name);
  if (spec === undefined) throw new Error(`no metric ${name}`);
  return { name, help: spec.help, labelNames: [...spec.labels] };
}
