import { SERVER_METRICS } from '../../src/api/metric-texts.ts';
import { METRICS } from '../../src/app/monitor/catalogue.ts';
import { unitOf } from '../../src/app/monitor/metric-unit.ts';
import type { MetricSpec } from '../../src/core/model/metric.ts';

const UNITS: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', '{row}': 'rows', '1': '' };

/** Every metric, from the one list that the counters are made of. */
export function metricsPage(generated: string): string {
  return `# Metrics

${generated}
What \`/metrics\`, the file for node_exporter and the push by OTLP have ([guide](../guide/monitoring.md)). Every metric has the label \`project\`, too. Names end in their unit, or in \`_total\` for
what only grows; \`_timestamp_seconds\` is a moment, in seconds since 1970 (UTC). By OTLP counters lose their \`_total\`, and units are \`s\`, \`By\` and \`{row}\`.

## Of the project

By all three ways, from the ledger and the lake.

${table([...METRICS.values()])}

## Of a server

At \`/metrics\` of \`dataflow serve\` alone: they begin anew with the process.

${table([...SERVER_METRICS.values()])}
`;
}

function table(specs: readonly MetricSpec[]): string {
  const rows = specs.map(({ name, kind, help, labels }) => {
    const unit = name.endsWith('_timestamp_seconds') ? 'moment' : (UNITS[unitOf(name)] ?? '');
    return `| \`${name}\` | ${kind} | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
  });
  return `| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}`;
}
