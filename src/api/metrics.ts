import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { prometheusText } from '../app/monitor/prometheus-text.ts';
import type { Answers } from '../app/serve/answers.ts';
import type { MetricFamily } from '../core/model/metric.ts';
import type { AnswerCache } from './answer-cache.ts';
import { type ServerMetricName, serverMetric } from './metric-texts.ts';

/** The counters of one server. Labels are bounded: endpoints as they were declared, never what was asked for. */
export interface Metrics {
  readonly type: string;
  text(): Promise<string>;
  answered(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
}

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** @param numbers those of the project, which stand before the server's own. */
export function newMetrics(
  answers: Answers,
  cache: AnswerCache,
  numbers: () => Promise<readonly MetricFamily[]>,
): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ project: answers.serving.project.name });
  const registers = [registry];
  const requests = new Counter({ ...serverMetric('dataflow_http_requests_total'), registers });
  const duration = new Histogram({
    ...serverMetric('dataflow_http_request_duration_seconds'),
    buckets: BUCKETS_S,
    registers,
  });
  const gauge = (name: ServerMetricName, value: () => number | undefined): void => {
    new Gauge({
      ...serverMetric(name),
      registers,
      collect() {
        const now = value();
        if (now !== undefined) this.set(now);
      },
    });
  };
  const created = (): number | undefined => {
    const release = answers.serving.current;
    return release === undefined ? undefined : Date.parse(release.created_at) / 1000;
  };
  gauge('dataflow_serve_release_created_timestamp_seconds', created);
  gauge('dataflow_serve_release_age_seconds', () => {
    const at = created();
    return at === undefined ? undefined : Math.max(0, Date.now() / 1000 - at);
  });
  gauge('dataflow_serve_questions_working', () => answers.turns.working);
  gauge('dataflow_serve_questions_waiting', () => answers.turns.waiting);
  gauge('dataflow_serve_cache_bytes', () => cache.bytes);
  new Counter({
    ...serverMetric('dataflow_serve_cache_hits_total'),
    registers,
    collect() {
      this.reset();
      this.inc(cache.hits);
    },
  });
  return {
    type: registry.contentType,
    text: async () => prometheusText(await numbers(), registry),
    answered: ({ method, route, status, seconds }) => {
      requests.inc({ method, route, status });
      duration.observe({ method, route }, seconds);
    },
  };
}
