import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestFile } from '../../kit/digest-file.ts';
import type { ExportFormat } from './formats.ts';

/** One table, or the rows of a query, as it was exported. */
export interface ExportedTable {
  /** `gold.dim_clients`; `query` for the rows of one. */
  readonly table: string;
  /** Versions that it was read at; several for a query. */
  readonly versions: Readonly<Record<string, number>>;
  readonly query?: string;
  /** Relative to the manifest. */
  readonly file: string;
  /** Of a workbook. */
  readonly sheet?: string;
  readonly rows: number;
  readonly columns: Readonly<Record<string, string>>;
  /** Cells of a workbook that are text because a number there would have lost digits, or a date has no day there; by column. */
  readonly as_text?: Readonly<Record<string, number>>;
}

export interface ExportedFile {
  readonly file: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** What stands beside exported files: what they are, and how to prove that they are whole. It is written last. */
export interface ExportManifest {
  readonly dataflow_export: 1;
  /** The same question has the same id: tables or query at these versions, format and flags. */
  readonly request: string;
  readonly project: string;
  readonly release_id: string;
  readonly released_at: string;
  readonly format: ExportFormat;
  readonly formula_safe: boolean;
  readonly rows: number;
  readonly files: readonly ExportedFile[];
  readonly tables: readonly ExportedTable[];
}

export function requestId(asked: unknown): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 32);
}

/** The manifest at a path; undefined where there is none, or something else. */
export function readManifest(path: string): ExportManifest | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isManifest(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(found: unknown): found is ExportManifest {
  if (typeof found !== 'object' || found === null) return false;
  const { dataflow_export, request, release_id, files, tables } = found as Partial<ExportManifest>;
  const named = (one: unknown): boolean => {
    const file = (one as Partial<ExportedFile> | null)?.file;
    return typeof file === 'string' && !/[/\\]|^\.\.?$/.test(file);
  };
  return (
    dataflow_export === 1 &&
    typeof request === 'string' &&
    typeof release_id === 'string' &&
    Array.isArray(files) &&
    files.every(named) &&
    Array.isArray(tables)
  );
}

/** Files of the manifest that are not as it says: gone, or with other bytes. */
export function changedFiles(folder: string, manifest: ExportManifest): readonly string[] {
  return manifest.files.flatMap(({ file, sha256 }) =>
    digestFile(join(folder, file), () => undefined).sha256 === sha256 ? [] : [file],
  );
}
