import { join } from 'node:path';
import type { InstalledSpark } from './installed.ts';

const DELTA: Readonly<Record<string, string>> = {
  'spark.sql.extensions': 'io.delta.sql.DeltaSparkSessionExtension',
  'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
};

/**
 * The settings of a server of our own, as a file of properties in which a later line wins: what we would like, what the installation says, what the project says, what has to be.
 * They are not given on the command line, where everybody on the machine could read them.
 * @param folder for what the server leaves lying
 */
export function ownSettings(
  { jars, defaults }: Pick<InstalledSpark, 'jars' | 'defaults'>,
  about: { readonly settings: Readonly<Record<string, string>>; readonly folder: string; readonly port: number },
): string {
  const said = `${defaults}\n${lines(about.settings)}`;
  // Spark goes on without an extension that it does not find, but not without a catalog.
  const has_delta = /\bdelta-(?:spark|core)/.test(`${jars.join('\n')}\n${said}`);
  return [
    lines({
      'spark.log.level': 'WARN',
      'spark.ui.enabled': 'false',
      'spark.sql.warehouse.dir': join(about.folder, 'warehouse'),
      ...(has_delta ? DELTA : {}),
    }),
    said,
    lines({
      'spark.connect.grpc.binding.address': '127.0.0.1',
      'spark.connect.grpc.binding.port': String(about.port),
      'spark.ui.showConsoleProgress': 'false',
    }),
  ].join('\n');
}

/** As Java reads properties. */
function lines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${escaped(name).replaceAll(/[:= ]/g, '\\$&')}=${escaped(value).replace(/^ /, '\\ ')}\n`)
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
