import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { EXPORT_FORMATS, type ExportFormat } from './formats.ts';

/** Where an export goes. */
export interface ExportTo {
  /** The folder in which files and manifest lie. */
  readonly folder: string;
  /** The only file; undefined: one file a table, named like it. */
  readonly file?: string;
  /** Name of the manifest in the folder. */
  readonly manifest: string;
  readonly format: ExportFormat;
}

/** Endings of files beside the formats' own names. */
const ENDINGS: Readonly<Record<string, ExportFormat>> = {
  ...Object.fromEntries(EXPORT_FORMATS.map((format) => [`.${format}`, format])),
  '.jsonl': 'ndjson',
  '.jsonl.gz': 'ndjson.gz',
};

/** What `--to` and `--as` mean together. @param to absolute. @throws DataflowError E_USAGE. */
export function exportTo(project: Project, to: string, as: ExportFormat | undefined): ExportTo {
  const name = basename(to);
  const ending = Object.keys(ENDINGS)
    .filter((one) => name.toLowerCase().endsWith(one) && name.length > one.length)
    .sort((a, b) => b.length - a.length)[0];
  const found = ending === undefined || isFolder(to) ? undefined : ENDINGS[ending];
  if (found !== undefined && as !== undefined && found !== as)
    throw new DataflowError('E_USAGE', `${name} is no name for a file of ${as}`, {
      hint: `Leave out --as, or name a file that ends in .${as}.`,
    });
  const folder = found === undefined ? to : dirname(to);
  refuseLake(project, folder);
  if (found !== undefined) return { folder, file: name, manifest: `${name}.manifest.json`, format: found };
  if (existsSync(to) && !isFolder(to))
    throw new DataflowError('E_USAGE', `${to} is a file of no known kind`, {
      hint: `Name a folder, or a file that ends in ${Object.keys(ENDINGS).join(', ')}.`,
    });
  return { folder, manifest: 'manifest.json', format: as ?? 'csv' };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Nothing but dataflow's own tables belongs into the lake. */
function refuseLake(project: Project, folder: string): void {
  if (project.lake.url.includes('://')) return;
  const way = relative(realPath(project.lake.url), realPath(folder));
  if (way === '' || (way.split(sep)[0] !== '..' && !isAbsolute(way)))
    throw new DataflowError('E_USAGE', 'the lake is no place for exported files', {
      hint: 'Name a folder outside of it.',
    });
}

/** Links followed as far as the path exists. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const above = dirname(path);
  return above === path ? path : join(realPath(above), basename(path));
}
