import type { FormatInspector, FormatInspectors } from '../core/ports/format.ts';
import type { InputUnit } from '../core/ports/source.ts';

const LOADERS: Readonly<Record<InputUnit['format'], () => Promise<{ readonly inspector: FormatInspector }>>> = {
  csv: () => import('./csv/inspect.ts'),
  json: () => import('./json/inspect.ts'),
  ndjson: () => import('./ndjson/inspect.ts'),
  parquet: () => import('./parquet/inspect.ts'),
};

/** The inspectors of all formats, in this process; each is loaded when it is first used. */
export const inspectors: FormatInspectors = {
  csv: lazily('csv'),
  json: lazily('json'),
  ndjson: lazily('ndjson'),
  parquet: lazily('parquet'),
};

function lazily(format: InputUnit['format']): FormatInspector {
  return { inspect: async (request, signal) => (await LOADERS[format]()).inspector.inspect(request, signal) };
}
