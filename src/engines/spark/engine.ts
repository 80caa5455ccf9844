import * as z from 'zod/mini';
import type { EngineComponent } from '../../core/ports/engine-component.ts';
import { parseConnectUrl, UrlProblem } from './connect-url.ts';
import { lakeUriProblem } from './lake-uri.ts';
import { isMaster } from './places.ts';

const text = z.string().check(z.minLength(1), z.maxLength(4096));

const schema = z
  .strictObject({
    url: z.optional(
      text.check(
        z.meta({
          description:
            'Spark Connect server, as all clients of Spark take it: `sc://host:port/;use_ssl=true;user_id=…`. Default: the variable SPARK_REMOTE, else `master`.',
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
    master: z.optional(
      text.check(
        z.meta({
          description:
            'Cluster for which a Connect server is started here, for the time of a command, by the Spark that is installed (SPARK_HOME, or `spark-submit` on PATH). Default: what its own settings say, else this machine alone.',
          samples: ['spark://host:7077', 'yarn', 'local[*]'],
        }),
      ),
    ),
    settings: z.optional(
      z.record(text, z.union([z.string().check(z.maxLength(65_536)), z.number(), z.boolean()])).check(
        z.meta({
          description:
            'Settings of Spark for a server that is started here, as `spark-defaults.conf` has them. A Connect server that is there has its own.',
          samples: [{ 'spark.executor.memory': '4g' }],
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
    const { url, token, master, settings, lake_uri } = context.value;
    const wrong = (option: string, message: string | undefined): void => {
      if (message !== undefined) context.issues.push({ code: 'custom', path: [option], message, input: undefined });
    };
    if (url !== undefined)
      wrong('url', isMaster(url) ? 'that is a master: write master: instead' : problemOf(url, token));
    if (master !== undefined && !isMaster(master))
      wrong(
        'master',
        'expected local[*], spark://host:7077, yarn or k8s://https://host:port, as spark-submit takes it',
      );
    if (master !== undefined && url !== undefined)
      wrong('master', 'url names a server that is there already: one of both');
    if (settings !== undefined && url !== undefined)
      wrong('settings', 'a Connect server has settings of its own: these are for one that is started here');
    if (lake_uri !== undefined) wrong('lake_uri', lakeUriProblem(lake_uri));
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
