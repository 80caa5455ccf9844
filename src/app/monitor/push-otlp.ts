import type { LookupFunction } from 'node:net';
import type { ObservableResult } from '@opentelemetry/api';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MetricFamily } from '../../core/model/metric.ts';
import type { PostTarget } from '../../core/model/monitor.ts';
import type { Project } from '../../core/model/project.ts';
import { guardedLookup, isLiterallyPrivate } from '../../kit/outbound.ts';
import type { Rooms } from '../rooms.ts';
import { unitOf } from './metric-unit.ts';

/** Time for one push, its repetitions included. */
const PUSH_MS_MAX = 10_000;

/** Where to: `metrics.otlp`, else the standard variables; undefined where neither says anything. */
export function otlpTarget(project: Project, env: NodeJS.ProcessEnv): Partial<PostTarget> | undefined {
  const { otlp } = project.metrics ?? {};
  if (otlp !== undefined) return otlp;
  const named = env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  return named === '' || env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_METRICS_EXPORTER'] === 'none'
    ? undefined
    : {};
}

/**
 * Pushes the numbers once, by OTLP over HTTP. What the target leaves open, the OTEL_EXPORTER_OTLP_* variables say.
 * @throws DataflowError E_METRICS_PUSH
 */
export async function pushOtlp(
  rooms: Rooms,
  project: Project,
  families: readonly MetricFamily[],
  target: Partial<PostTarget>,
): Promise<void> {
  const [{ OTLPMetricExporter }, sdk, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new OTLPMetricExporter({
    ...target,
    timeoutMillis: PUSH_MS_MAX,
    // The target of the variables is the word of whoever runs this machine.
    ...(target.url === undefined ? {} : { httpAgentOptions: { lookup: lookupFor(target.url) } }),
  });
  const attributes = { 'service.name': 'dataflow', 'service.version': rooms.version, 'dataflow.project': project.name };
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2_000_000_000 });
  const provider = new sdk.MeterProvider({ readers: [reader], resource: resourceFromAttributes(attributes) });
  const meter = provider.getMeter('dataflow', rooms.version);
  for (const { spec, samples } of families) {
    const options = { description: spec.help, unit: unitOf(spec.name) };
    const counts = spec.kind === 'counter';
    const instrument = counts
      ? meter.createObservableCounter(spec.name.replace(/_total$/, ''), options)
      : meter.createObservableGauge(spec.name, options);
    instrument.addCallback((result: ObservableResult) => {
      for (const one of samples) result.observe(one.value, one.labels);
    });
  }
  try {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw errors[0];
    const failure = await new Promise<unknown>((resolve) => {
      exporter.export(resourceMetrics, ({ code, error }) => resolve(code === 0 ? undefined : (error ?? 'no reason')));
    });
    if (failure !== undefined) throw failure;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DataflowError('E_METRICS_PUSH', `the collector did not take them: ${rooms.redact(why)}`, {
      cause: error,
    });
  } finally {
    await exporter.shutdown().catch(() => undefined);
  }
}

/** Private addresses only where the configuration writes one out. */
function lookupFor(url: string): LookupFunction {
  const { hostname } = new URL(url);
  return guardedLookup((host) => host === hostname && isLiterallyPrivate(hostname)) as unknown as LookupFunction;
}
