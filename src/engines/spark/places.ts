import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSpec } from '../../core/model/project.ts';

/** Where the server of a project is: `engine.url`, else `SPARK_REMOTE`, as Spark's own clients have it. @throws DataflowError E_CONFIG_INVALID */
export function serverOf(
  spec: EngineSpec,
  env: NodeJS.ProcessEnv,
): { readonly url: string; readonly token: string | undefined; readonly lake_uri: string | undefined } {
  const url = (spec['url'] ?? env['SPARK_REMOTE']) as string | undefined;
  if (url === undefined || url === '')
    throw new DataflowError('E_CONFIG_INVALID', 'nothing says where Spark is', {
      hint: 'Set engine: { type: spark, url: "sc://host:15002" }, or the variable SPARK_REMOTE.',
    });
  const said = (option: 'token' | 'lake_uri'): string | undefined => spec[option] as string | undefined;
  return { url, token: said('token'), lake_uri: said('lake_uri') };
}
