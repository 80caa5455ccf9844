import { resolve } from 'node:path';
import { collectMetrics } from '../../app/monitor/collect-metrics.ts';
import { prometheusText } from '../../app/monitor/prometheus-text.ts';
import { otlpTarget, pushOtlp } from '../../app/monitor/push-otlp.ts';
import { writeMetrics } from '../../app/monitor/write-metrics.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MetricFamily } from '../../core/model/metric.ts';
import type { Invocation } from '../command-spec.ts';
import { EXIT_DONE } from '../exit-codes.ts';
import { loadProjectFor } from '../shared/open.ts';
import { countText } from '../shared/sizes.ts';

/** `metrics`: printed in Prometheus' own format, or as rows of data, written, or pushed. */
export async function metrics(invocation: Invocation): Promise<number> {
  const { rooms, options, printer, cwd, env } = invocation;
  const to = options['to'];
  if (typeof to === 'string' && options['push'] === true)
    throw new DataflowError('E_USAGE', '--to and --push exclude each other');
  const { project } = await loadProjectFor(invocation);
  if (typeof to === 'string') {
    const values = await writeMetrics(rooms, project, resolve(cwd, to));
    printer.note(`wrote ${countText(values, 'value')} to ${to}`);
    return EXIT_DONE;
  }
  const families = await collectMetrics(rooms, project);
  if (options['push'] === true) {
    const target = otlpTarget(project, env);
    if (target === undefined)
      throw new DataflowError('E_USAGE', 'it is not said where to push to', {
        hint: 'Give `metrics: { otlp: { url: … } }` in pipelines.yaml, or set OTEL_EXPORTER_OTLP_ENDPOINT.',
      });
    await pushOtlp(rooms, project, families, target);
    printer.note(`pushed ${countText(rowsOf(families).length, 'value')}`);
    return EXIT_DONE;
  }
  if (printer.format === 'table') printer.raw(await prometheusText(families));
  else
    printer.table({
      columns: [{ name: 'metric' }, { name: 'kind' }, { name: 'labels' }, { name: 'value' }],
      rows: rowsOf(families),
    });
  return EXIT_DONE;
}

function rowsOf(families: readonly MetricFamily[]): readonly Record<string, unknown>[] {
  return families.flatMap(({ spec, samples }) =>
    samples.map(({ labels, value }) => ({ metric: spec.name, kind: spec.kind, labels, value })),
  );
}
