import * as z from 'zod/mini';
import type { EngineComponent } from '../../core/ports/engine-component.ts';
import { parseConnectUrl, UrlProblem } from './connect-url.ts';
import { lakeUriProblem } from './lake-uri.ts';

const text = z.string().check(z.minLength(1), z.maxLength(4096));

const schema = z
  .strictObject({
    url: z.optional(
      text.check(
        z.meta({
          description:
            'Spark Connect server, as all clients of Spark take it: `sc://host:port/;use_ssl=true;user_id=…`. Default: the variable SPARK_REMOTE.',
          secret: true,
          samples: ['${SPARK_URL}'],
        }),
      ),
    ),
    token: z.optional(
      text.check(
        z.meta({
          description:
            'Token to sign in with, where the url has none: `${ENV}` or `file:/run/secrets/…`. Needs TLS, except on this machine.',
          secret: true,
          samples: ['${SPARK_TOKEN}'],
        }),
      ),
    ),
    lake_uri: z.optional(
      text.check(
        z.meta({
          description:
            'How the cluster opens the folder of `lake.url`. Default: `s3://` as `s3a://`, `hdfs://` as it is, a folder of this machine as the same folder there.',
          samples: ['hdfs://nameservice1/datalake/retail'],
        }),
      ),
    ),
  })
  .check((context) => {
    const { url, token, lake_uri } = context.value;
    const problem = url === undefined ? undefined : problemOf(url, token);
    if (problem !== undefined)
      context.issues.push({ code: 'custom', path: ['url'], message: problem, input: undefined });
    const wrong = lake_uri === undefined ? undefined : lakeUriProblem(lake_uri);
    if (wrong !== undefined)
      context.issues.push({ code: 'custom', path: ['lake_uri'], message: wrong, input: undefined });
  });

function problemOf(url: string, token: string | undefined): string | undefined {
  try {
    parseConnectUrl(url, token);
    return undefined;
  } catch (error) {
    if (error instanceof UrlProblem) return error.message;
    throw error;
  }
}

/** A Spark cluster behind its Connect server. Only its options are looked at here; gRPC and Arrow are loaded when it is asked for something. */
export const component: EngineComponent<z.infer<typeof schema>> = {
  type: 'spark',
  summary:
    'Spark (3.5 or 4) behind Spark Connect: computes silver and gold tables and answers `query`; sources are read on this machine, by DuckDB',
  schema,
  compute: async (spec, places) => (await import('./steps/open-steps.ts')).openSparkSteps(spec, places),
  reach: async (spec, options) => (await import('./far.ts')).reachSpark(spec, options),
};
