import type { SourceSpec } from '../core/model/project.ts';
import type { DataFormat } from './plan-types.ts';

const EXTENSIONS: Readonly<Record<DataFormat, readonly string[]>> = {
  csv: ['csv', 'txt'],
  ndjson: ['ndjson', 'jsonl', 'json'],
  parquet: ['parquet', 'pq'],
};

/** Where a generated file goes: folder as the source's path has it (relative, `/` between parts, '' for the project folder) and file name. */
export interface TargetFile {
  readonly folder: string;
  readonly name: string;
  /** False: the source's own path would not find the file. */
  readonly found_by_source: boolean;
}

/**
 * A file name that the source's glob matches: `data/achats*.{csv,csv.gz}` → `data`, `achats.csv`. What has no glob of a usable kind gets the
 * source's name.
 */
export function targetFile(source: string, spec: SourceSpec, format: DataFormat, gzip: boolean): TargetFile {
  const path = spec.options['path'];
  const globs = (Array.isArray(path) ? path : [path]).filter((one): one is string => typeof one === 'string');
  const endings = EXTENSIONS[format].map((extension) => `.${extension}${gzip ? '.gz' : ''}`);
  const plain = globs.flatMap((glob) => alternatives(glob).map(withoutWildcards));
  for (const ending of endings) {
    const match = plain.find((one) => one.toLowerCase().endsWith(ending) && !/[*?[\]()!]/.test(one));
    if (match === undefined) continue;
    const slash = match.lastIndexOf('/');
    const stem = match.slice(slash + 1, match.length - ending.length);
    return {
      folder: match.slice(0, Math.max(0, slash)),
      name: `${stem === '' ? source : stem}${match.slice(match.length - ending.length)}`,
      found_by_source: true,
    };
  }
  const first = plain[0] ?? '';
  return {
    folder: first.slice(0, Math.max(0, first.lastIndexOf('/'))),
    name: `${source}${endings[0]}`,
    found_by_source: false,
  };
}

/** `a.{b,c}` → `a.b`, `a.c`; braces inside braces too. */
function alternatives(glob: string): readonly string[] {
  const open = glob.indexOf('{');
  if (open < 0) return [glob];
  let depth = 0;
  const cuts = [open];
  for (let at = open; at < glob.length; at++) {
    if (glob[at] === '{') depth += 1;
    else if (glob[at] === '}') depth -= 1;
    else if (glob[at] === ',' && depth === 1) cuts.push(at);
    if (depth > 0) continue;
    const ends = [...cuts, at];
    return cuts.flatMap((cut, index) =>
      alternatives(glob.slice(0, open) + glob.slice(cut + 1, ends[index + 1]) + glob.slice(at + 1)),
    );
  }
  return [glob];
}

/** A wildcard may stand for nothing, a whole folder pattern for no folder. */
function withoutWildcards(glob: string): string {
  return glob
    .replace(/^\.\//, '')
    .replace(/(^|\/)\*\*(?=\/)/g, '')
    .replace(/^\//, glob.startsWith('/') ? '/' : '')
    .replace(/\*+/g, '')
    .replace(/\?/g, '0');
}
