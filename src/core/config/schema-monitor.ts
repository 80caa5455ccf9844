import * as z from 'zod/mini';
import type { MetricsSpec } from '../model/monitor.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

/** An address that is posted to. It may hold what signs in, so it is masked wherever text is shown. */
export const postUrl = (text: string, sample: string) =>
  z.string().check(
    z.refine(
      (url) => /^https?:\/\/[^\s]+$/.test(url) && URL.canParse(url),
      'expected an address that begins with https:// or http://',
    ),
    z.meta({ description: text, samples: [sample], secret: true }),
  );

export const postHeaders = z
  ._default(z.record(z.string().check(z.regex(/^[\w-]{1,100}$/)), z.string().check(z.meta({ secret: true }))), {})
  .check(meta('Request headers, such as what signs in; never printed.', { Authorization: 'Bearer ${TOKEN}' }));

/** `metrics:` */
export function metricsSchema(): z.ZodMiniType<MetricsSpec | undefined> {
  const schema = z.optional(
    z
      .strictObject({
        file: z.optional(
          z.string().check(
            z.refine((path) => path.endsWith('.prom'), 'the textfile collector reads files that end in .prom only'),
            meta(
              'File for the textfile collector of node_exporter, written at the end of each run; relative to this file. Its folder must exist.',
              '/var/lib/node_exporter/dataflow.prom',
            ),
          ),
        ),
        otlp: z.optional(
          z
            .strictObject({
              url: postUrl('Where the collector takes metrics, in full.', 'http://localhost:4318/v1/metrics'),
              headers: postHeaders,
            })
            .check(
              meta(
                'Push by OTLP over HTTP at the end of each run, and while serving: each minute, or every OTEL_METRIC_EXPORT_INTERVAL milliseconds.',
              ),
            ),
        ),
      })
      .check(meta('Where the numbers of each run go, beside `/metrics` of `dataflow serve`.')),
  );
  return schema as unknown as z.ZodMiniType<MetricsSpec | undefined>;
}
