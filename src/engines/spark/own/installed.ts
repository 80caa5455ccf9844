import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** A Spark that is installed on this machine, to submit work with. */
export interface InstalledSpark {
  /** Its `spark-submit`. */
  readonly submit: string;
  /** What lies in its folder of jars; empty where that is not beside the program. */
  readonly jars: readonly string[];
  /** Its `spark-defaults.conf`; empty where it has none. */
  readonly defaults: string;
}

/** `spark-submit` of SPARK_HOME, else of PATH; undefined where there is neither. */
export function installedSpark(env: NodeJS.ProcessEnv): InstalledSpark | undefined {
  const { SPARK_HOME = '', PATH = '' } = env;
  const places = SPARK_HOME === '' ? PATH.split(delimiter).filter((one) => one !== '') : [join(SPARK_HOME, 'bin')];
  const submit = places.map((folder) => join(folder, 'spark-submit')).find(canRun);
  if (submit === undefined) return undefined;
  const home = SPARK_HOME === '' ? dirname(dirname(realpathSync(submit))) : SPARK_HOME;
  const defaults = join(env['SPARK_CONF_DIR'] || join(home, 'conf'), 'spark-defaults.conf');
  return {
    submit,
    jars: namesIn(join(home, 'jars')),
    defaults: existsSync(defaults) ? readFileSync(defaults, 'utf8') : '',
  };
}

/** As its jars say: `4.0.1`. */
export function versionOf({ jars }: InstalledSpark): string | undefined {
  return jars.map((name) => /^spark-core_[\d.]+-(.+)\.jar$/.exec(name)?.[1]).find((version) => version !== undefined);
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
