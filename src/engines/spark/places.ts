import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSpec } from '../../core/model/project.ts';
import { type InstalledSpark, installedSpark } from './own/installed.ts';

/** What Spark calls a cluster, where its own programs are to run there. */
const MASTER = /^(local(\[[^\]]*\])?|yarn|(spark|k8s):\/\/.+)$/;

/** Where the Spark of a project is: a Connect server, or an installation by which one is started. */
export type SparkPlace =
  | { readonly kind: 'server'; readonly url: string; readonly token: string | undefined }
  | {
      readonly kind: 'own';
      readonly spark: InstalledSpark;
      readonly master: string | undefined;
      readonly settings: Readonly<Record<string, string>>;
    };

export function isMaster(url: string): boolean {
  return MASTER.test(url);
}

/**
 * The first of these that is said: a Connect server in `engine.url`, a master in `engine.master`, a Connect server in `SPARK_REMOTE`, a Spark that is installed here.
 * @throws DataflowError E_CONFIG_INVALID
 */
export function sparkPlace(spec: EngineSpec, env: NodeJS.ProcessEnv): SparkPlace {
  const master = spec['master'] as string | undefined;
  const url = (spec['url'] ?? (master === undefined ? env['SPARK_REMOTE'] : undefined) ?? '') as string;
  if (url !== '') return { kind: 'server', url, token: spec['token'] as string | undefined };
  const spark = installedSpark(env);
  if (spark === undefined) throw nowhere(master);
  const settings = Object.entries((spec['settings'] ?? {}) as Record<string, unknown>);
  return { kind: 'own', spark, master, settings: Object.fromEntries(settings.map(([key, one]) => [key, String(one)])) };
}

function nowhere(master: string | undefined): DataflowError {
  if (master !== undefined)
    return new DataflowError(
      'E_CONFIG_INVALID',
      `no Spark is installed here by which to reach engine.master ${master}`,
      {
        hint: 'Set SPARK_HOME, or put spark-submit on PATH, or name a Connect server instead: engine.url: sc://host:15002.',
      },
    );
  return new DataflowError('E_CONFIG_INVALID', 'nothing says where Spark is', {
    hint: 'Set engine: { type: spark, url: "sc://host:15002" }, or the variable SPARK_REMOTE, or SPARK_HOME where Spark is installed here.',
  });
}
