import type { Registry } from 'prom-client';
import type { MetricFamily } from '../../core/model/metric.ts';

/** The numbers in Prometheus' text format, with HELP and TYPE. @param more whose numbers follow. */
export async function prometheusText(families: readonly MetricFamily[], more?: Registry): Promise<string> {
  const { Counter, Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const { spec, samples } of families) {
    const { name, help, labels } = spec;
    const options = { name, help, labelNames: ['project', ...labels], registers: [registry] };
    if (spec.kind === 'counter') {
      const counter = new Counter(options);
      for (const one of samples) counter.inc(one.labels, one.value);
    } else {
      const gauge = new Gauge(options);
      for (const one of samples) gauge.set(one.labels, one.value);
    }
  }
  const texts = [await registry.metrics(), ...(more === undefined ? [] : [await more.metrics()])];
  return `${texts.map((text) => text.trim()).join('\n\n')}\n`;
}
