import * as z from 'zod/mini';
import type { OpenLineageSpec } from '../model/monitor.ts';
import { postHeaders, postUrl } from './schema-monitor.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

/** Where OpenLineage's services take events, below their address. */
export const LINEAGE_ENDPOINT = 'api/v1/lineage';

/** Time for the events at the end of a run. */
export const LINEAGE_SECONDS_MAX = 10;

/** `openlineage:` */
export function openLineageSchema(): z.ZodMiniType<OpenLineageSpec | undefined> {
  const schema = z.optional(
    z
      .strictObject({
        namespace: z
          .optional(z.string().check(z.minLength(1), z.maxLength(200)))
          .check(
            meta('Namespace of the jobs. Default: `OPENLINEAGE_NAMESPACE`, else the name of the project.', 'retail'),
          ),
        file: z
          .optional(z.string().check(z.minLength(1), z.maxLength(4096)))
          .check(
            meta(
              'File that events are added to, one JSON object a line; relative to this file. Its folder must exist.',
              'lineage.ndjson',
            ),
          ),
        url: z.optional(
          postUrl('Address of a service that speaks OpenLineage, such as Marquez.', 'https://lineage.example.com'),
        ),
        endpoint: z
          ._default(z.string().check(z.minLength(1), z.maxLength(1000)), LINEAGE_ENDPOINT)
          .check(meta('Path that events are posted to, below `url`.', LINEAGE_ENDPOINT)),
        api_key: z
          .optional(z.string().check(z.minLength(1), z.meta({ secret: true })))
          .check(meta('Sent as `Authorization: Bearer …`; never printed.', '${OPENLINEAGE_API_KEY}')),
        headers: postHeaders,
        seconds_max: z
          ._default(z.int().check(z.minimum(1), z.maximum(600)), LINEAGE_SECONDS_MAX)
          .check(
            meta(
              'How long the service may hold the end of a run, all events and attempts together. What is not taken by then is left to `dataflow lineage --send`.',
            ),
          ),
      })
      .check(
        z.refine(({ file, url }) => file === undefined || url === undefined, 'expected file: or url:, not both'),
        meta('Where events of runs in the OpenLineage standard go. Without it the OPENLINEAGE_* variables decide.'),
      ),
  );
  return schema as unknown as z.ZodMiniType<OpenLineageSpec | undefined>;
}
