import { resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';

/** `--metrics-file`, said to be wrong before the run rather than after it. */
export function metricsFileFrom({ options, cwd }: Invocation): { readonly metrics_file?: string } {
  const file = options['metricsFile'];
  if (typeof file !== 'string') return {};
  if (file.endsWith('.prom')) return { metrics_file: resolve(cwd, file) };
  throw new DataflowError(
    'E_USAGE',
    `--metrics-file ${file}: the textfile collector reads files that end in .prom only`,
  );
}
