import type { FormatInspector, FormatInspectors } from '../core/ports/format.ts';

type Name = keyof FormatInspectors;

const LOADERS: Readonly<Record<Name, () => Promise<{ readonly inspector: FormatInspector }>>> = {
  csv: () => import('./csv/inspect.ts'),
  json: () => import('./json/inspect.ts'),
  ndjson: () => import('./ndjson/inspect.ts'),
  parquet: () => import('./parquet/inspect.ts'),
  xlsx: () => import('./xlsx/inspect.ts'),
  fixed: () => import('./fixed/inspect.ts'),
  xml: () => import('./xml/inspect.ts'),
  avro: () => import('./avro/inspect.ts'),
  document: () => import('./document/inspect.ts'),
};

/** The inspectors of all formats, in this process; each is loaded when it is first used. */
export const inspectors = Object.fromEntries(
  (Object.keys(LOADERS) as Name[]).map((format) => [format, lazily(format)]),
) as FormatInspectors;

function lazily(format: Name): FormatInspector {
  return {
    inspect: async (request, signal) => (await LOADERS[format]()).inspector.inspect(request, signal),
    ready: async (options) => (await (await LOADERS[format]()).inspector.ready?.(options)) ?? { ok: true, words: '' },
  };
}
