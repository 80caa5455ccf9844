import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSpec } from '../../core/model/project.ts';
import type { Column } from '../../core/model/table.ts';
import type { Engine, EngineSession } from '../../core/ports/engine.ts';
import type { InputUnit, Inspection, Source, SourceContext } from '../../core/ports/source.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { engineFile } from '../../medallion/bronze/engine-file.ts';
import { type InferredSource, renderProject } from './init-render.ts';

export interface InitOptions {
  /** Where pipelines.yaml goes. */
  readonly folder: string;
  readonly name: string;
  /** Folder whose files become sources. */
  readonly from?: string;
  readonly force: boolean;
}

export interface InitReport {
  readonly file: string;
  readonly sources: readonly InferredSource[];
  /** Files that were looked at and left out, with the reason. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

interface Deps {
  openEngine(spec: EngineSpec, folder: string): Promise<Engine>;
  /** @param options of a source of type files, defaults not yet filled in */
  createSource(options: Readonly<Record<string, unknown>>): Promise<Source>;
}

/**
 * Writes a commented pipelines.yaml that runs at once. With `from`, files of that folder are grouped by name
 * (`sales-01.csv`, `sales-02.csv` → `sales`), looked at once, and become sources with columns, and silver tables with a key where one shows.
 * @throws DataflowError E_USAGE when a configuration is there already or nothing can be inferred.
 */
export async function initProject(deps: Deps, options: InitOptions): Promise<InitReport> {
  const file = join(options.folder, 'pipelines.yaml');
  if (existsSync(file) && !options.force)
    throw new DataflowError('E_USAGE', `${file} exists already`, {
      hint: 'Use --force to replace it, or choose another folder.',
    });
  const found =
    options.from === undefined
      ? { sources: [], skipped: [] }
      : await infer(deps, options.folder, resolve(options.folder, options.from));
  await mkdir(options.folder, { recursive: true });
  await writeFile(file, renderProject(options.name, found.sources));
  return { file, ...found };
}

const DATA_FILE = /\.(csv|tsv|json|ndjson|jsonl|parquet)(\.(gz|zst))?$/i;
const FILES_MAX = 10_000;

async function infer(deps: Deps, root: string, folder: string): Promise<Pick<InitReport, 'sources' | 'skipped'>> {
  const groups = await groupFiles(root, folder);
  if (groups.size === 0)
    throw new DataflowError('E_USAGE', `${folder} holds no data files`, {
      hint: 'CSV, TSV, JSON, NDJSON and Parquet files are looked for, plain, .gz or .zst.',
    });
  const temp_folder = await mkdtemp(join(tmpdir(), 'dataflow-init-'));
  const engine = await deps.openEngine({ type: 'duckdb' }, temp_folder);
  const sources: InferredSource[] = [];
  const skipped: { path: string; reason: string }[] = [];
  try {
    for (const [name, group] of groups) {
      const made = await inferSource(deps, engine, { root, temp_folder, name, ...group });
      if ('reason' in made) skipped.push(made);
      else sources.push(made);
    }
  } finally {
    await engine.close();
    await rm(temp_folder, { recursive: true, force: true });
  }
  if (sources.length === 0)
    throw new DataflowError(
      'E_USAGE',
      `no file of ${folder} could be read: ${skipped[0]?.path}: ${skipped[0]?.reason}`,
    );
  return { sources, skipped };
}

/** Files that differ only in a number or date at the end of their name are one source. */
async function groupFiles(root: string, folder: string): Promise<ReadonlyMap<string, { glob: string; files: number }>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new DataflowError('E_SOURCE_IO', `${folder} cannot be read`, { cause });
  });
  const groups = new Map<string, { glob: string; files: number }>();
  for (const entry of entries
    .filter((one) => one.isFile() && DATA_FILE.test(one.name) && !one.name.startsWith('_'))
    .slice(0, FILES_MAX)) {
    const ending = DATA_FILE.exec(entry.name)?.[0] ?? '';
    const stem = entry.name.slice(0, entry.name.length - ending.length);
    const base = stem.replace(/[-_. ]*\d[\d\-_.T:]*$/, '') || stem;
    const place = relative(root, entry.parentPath) || '.';
    const name = tableName(base, groups, `${place}/${base}`);
    const glob = `${place}/${base}*${ending}`.replaceAll('\\', '/');
    const known = groups.get(name);
    groups.set(name, { glob, files: (known?.files ?? 0) + 1 });
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function tableName(base: string, groups: ReadonlyMap<string, { glob: string }>, wanted: string): string {
  const plain =
    base
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9_]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .toLowerCase()
      .slice(0, 50) || 'table';
  const name = /^[a-z_]/.test(plain) ? plain : `t_${plain}`;
  const taken = groups.get(name);
  return taken === undefined || taken.glob.startsWith(`${wanted}*`) ? name : `${name}_${groups.size}`;
}

interface Candidate {
  readonly root: string;
  readonly temp_folder: string;
  readonly name: string;
  readonly glob: string;
  readonly files: number;
}

async function inferSource(
  deps: Deps,
  engine: Engine,
  one: Candidate,
): Promise<InferredSource | { path: string; reason: string }> {
  const source = await deps.createSource({ path: one.glob, settle_seconds: 0 });
  const context: SourceContext = { root: one.root, temp_folder: one.temp_folder, now_ms: Date.now(), rehash: true };
  const { fresh } = await source.discover(new Map(), context);
  const [unit] = fresh;
  if (unit === undefined) return { path: one.glob, reason: 'no file matches' };
  const inspection = await source.inspect(unit, context);
  if (inspection.problem !== undefined) return { path: unit.path, reason: inspection.problem.reason };
  const session = await engine.openSession({ label: `init ${one.name}` });
  try {
    const { columns, key } = await lookAt(session, unit, inspection, join(one.temp_folder, basename(one.name)));
    return { name: one.name, glob: one.glob, files: one.files, rows: inspection.records, columns, key };
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    return { path: unit.path, reason: error.message };
  } finally {
    await session.close();
  }
}

async function lookAt(
  session: EngineSession,
  unit: InputUnit,
  inspection: Inspection,
  folder: string,
): Promise<{ columns: readonly Column[]; key: string | undefined }> {
  const file = {
    id: unit.path,
    ...engineFile(unit, inspection),
  };
  const shape = {
    format: unit.format,
    files: [file],
    ...(inspection.dialect === undefined ? {} : { dialect: inspection.dialect }),
    ...(inspection.header === undefined ? {} : { header: inspection.header }),
  };
  const columns = await session.infer(shape);
  await mkdir(join(folder, 'data'), { recursive: true });
  await mkdir(join(folder, 'rejects'), { recursive: true });
  const parsed = await session.parse({
    ...shape,
    columns,
    target: { folder: join(folder, 'data'), columns },
    reject_folder: join(folder, 'rejects'),
  });
  await session.bind({ name: 'looked_at', columns, files: parsed.candidates });
  for (const column of columns) {
    if (!/^id($|_)|_id$|^code$|^key$|^uuid$/i.test(column.name)) continue;
    const quoted = quoteIdent(column.name);
    const [row] = await session.rows(`select count(*) = count(distinct ${quoted}) as ok from looked_at`);
    if (row?.['ok'] === true) return { columns, key: column.name };
  }
  return { columns, key: undefined };
}
