import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { DataMaker, Expected, GeneratorOptions, PlannedFile } from '../../core/ports/generator.ts';
import { timeSortedId } from '../../kit/ids.ts';
import type { Rooms } from '../rooms.ts';

export interface GenerateOptions extends GeneratorOptions {
  /** Absolute folder for all files; without it each goes where its source looks. */
  readonly out?: string;
  /** Replace files that were not made here. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: GenerateProgress) => void;
}

export interface GenerateProgress {
  readonly doing: 'writing' | 'counting';
  readonly source?: string;
  /** Of everything, 0..1; undefined when it cannot be told. */
  readonly share?: number;
}

export interface GeneratedFile {
  readonly source: string;
  /** Absolute. */
  readonly path: string;
  readonly rows: number;
  readonly size_bytes: number;
}

export interface GeneratedReport {
  readonly files: readonly GeneratedFile[];
  /** Absolute path of the file that says what was made and what a run must find. */
  readonly expected_file: string;
  /** Counted only for data with faults. */
  readonly expected?: Expected;
  /** Sources whose `path` does not find their file. */
  readonly not_found_by_source: readonly string[];
  readonly wall_ms: number;
}

/** The record that is kept beside the files. */
interface Manifest extends Partial<Expected> {
  readonly format: 1;
  readonly project: string;
  readonly seed: number;
  readonly bad_share: number;
  /** Paths relative to this file, with `/`. */
  readonly files: readonly ManifestFile[];
}

interface ManifestFile {
  readonly path: string;
  readonly source: string;
  readonly rows: number;
  readonly size_bytes: number;
}

const MANIFEST = '_expected.json';
const PROGRESS_MS = 100;

/**
 * Makes files for sources with declared columns and writes beside them what a run must find (`_expected.json`). All files appear together at the
 * end, under their names; files of an earlier call that are no longer made are removed, but for those of sources that were not asked for.
 * @throws DataflowError E_USAGE when a file is in the way that was not made here; whatever the engine throws.
 */
export async function generateData(
  rooms: Pick<Rooms, 'openEngine' | 'dataGenerator' | 'checks'>,
  project: Project,
  options: GenerateOptions,
): Promise<GeneratedReport> {
  const began = performance.now();
  const engine = await rooms.openEngine(project);
  try {
    const session = await engine.openSession({ label: 'generate', signal: options.signal });
    const maker = await (await rooms.dataGenerator()).prepare(session, project, options);
    const places = placesOf(project, maker.files, options.out);
    const known = await ownFiles(places.manifest);
    if (!options.force) await refuseStrangers(places.targets, known);
    const staged = places.targets.map((target) => ({
      ...target,
      temp: `${join(dirname(target.path), `.${timeSortedId()}`)}.tmp`,
    }));
    try {
      const files = await writeAll(maker, staged, options);
      options.onProgress?.({ doing: 'counting' });
      const expected =
        options.bad_share > 0 ? await maker.expect(await rooms.checks(), new Date().toISOString()) : undefined;
      const kept = keptFiles(known, options.sources);
      await appear(
        staged,
        places.manifest,
        manifestOf(project, options, places.manifest, [...kept, ...files], expected),
        known,
      );
      return {
        files,
        expected_file: places.manifest,
        ...(expected === undefined ? {} : { expected }),
        not_found_by_source:
          options.out === undefined
            ? maker.files.filter((file) => !file.found_by_source).map((file) => file.source)
            : [],
        wall_ms: Math.round(performance.now() - began),
      };
    } finally {
      for (const { temp } of staged) await rm(temp, { force: true });
      await session.close();
    }
  } finally {
    await engine.close();
  }
}

interface Target {
  readonly file: PlannedFile;
  readonly path: string;
}

interface Staged extends Target {
  readonly temp: string;
}

/** Where files and manifest go: into one folder, or where the sources look and the manifest into the folder that holds them all. */
function placesOf(
  project: Project,
  files: readonly PlannedFile[],
  out: string | undefined,
): { readonly targets: readonly Target[]; readonly manifest: string } {
  const targets = files.map((file) => ({ file, path: resolve(out ?? join(project.root, file.folder), file.name) }));
  const folders = targets.map((target) => dirname(target.path).split(sep));
  const [first = []] = folders;
  const depth = first.findIndex((part, at) => folders.some((folder) => folder[at] !== part));
  const common = first.slice(0, depth < 0 ? first.length : depth).join(sep);
  return { targets, manifest: join(out ?? (common === '' ? project.root : common), MANIFEST) };
}

/** The files that an earlier call made, by their absolute paths. */
type OwnFiles = ReadonlyMap<string, ManifestFile>;

async function ownFiles(manifest: string): Promise<OwnFiles> {
  const text = await readFile(manifest, 'utf8').catch(() => undefined);
  if (text === undefined) return new Map();
  try {
    const { files } = JSON.parse(text) as Manifest;
    return new Map(files.map((file) => [resolve(dirname(manifest), file.path), file]));
  } catch {
    return new Map();
  }
}

/** Those of sources that were not asked for. */
function keptFiles(known: OwnFiles, sources: GeneratorOptions['sources']): readonly GeneratedFile[] {
  if (sources === undefined) return [];
  return [...known].flatMap(([path, file]) => (sources.includes(file.source) ? [] : [{ ...file, path }]));
}

async function refuseStrangers(targets: readonly Target[], known: OwnFiles): Promise<void> {
  for (const { path } of targets) {
    const size_bytes = await sizeOf(path);
    if (size_bytes === undefined || known.get(path)?.size_bytes === size_bytes) continue;
    const why = known.has(path) ? 'was changed since it was generated' : 'was not made by `dataflow generate`';
    throw new DataflowError('E_USAGE', `${path} ${why}`, {
      kept: 'Nothing was written.',
      hint: 'Use --force to replace it, or --out to write elsewhere.',
    });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

async function writeAll(
  maker: DataMaker,
  staged: readonly Staged[],
  options: GenerateOptions,
): Promise<readonly GeneratedFile[]> {
  const total = staged.reduce((sum, { file }) => sum + file.rows, 0);
  const files: GeneratedFile[] = [];
  let done = 0;
  for (const { file, path, temp } of staged) {
    await mkdir(dirname(temp), { recursive: true });
    const stop = await watch(maker, file, temp, options, (share) =>
      total === 0 ? 1 : (done + share * file.rows) / total,
    );
    try {
      const rows = await maker.write(file.source, temp);
      done += file.rows;
      files.push({ source: file.source, path, rows, size_bytes: (await sizeOf(temp)) ?? 0 });
    } finally {
      stop();
    }
  }
  return files;
}

/** Tells how far a file has grown, until the returned function is called. Costs nothing when nobody listens. */
async function watch(
  maker: DataMaker,
  file: PlannedFile,
  temp: string,
  options: GenerateOptions,
  overall: (share: number) => number,
): Promise<() => void> {
  const { onProgress } = options;
  if (onProgress === undefined) return () => undefined;
  const { source } = file;
  onProgress({ doing: 'writing', source, share: overall(0) });
  const bytes = await maker.estimate(source);
  if (bytes === undefined || bytes === 0) return () => undefined;
  const timer = setInterval(() => {
    void sizeOf(temp).then((size) =>
      onProgress({ doing: 'writing', source, share: overall(Math.min(1, (size ?? 0) / bytes)) }),
    );
  }, PROGRESS_MS);
  return () => clearInterval(timer);
}

function manifestOf(
  project: Project,
  options: GenerateOptions,
  manifest: string,
  files: readonly GeneratedFile[],
  expected: Expected | undefined,
): Manifest {
  return {
    format: 1,
    project: project.name,
    seed: options.seed,
    bad_share: options.bad_share,
    files: files.map(({ path, ...rest }) => ({
      path: relative(dirname(manifest), path).replaceAll(sep, '/'),
      ...rest,
    })),
    ...expected,
  };
}

/** Gives the files their names. The manifest comes first: whatever stands there afterwards is known to be ours. */
async function appear(staged: readonly Staged[], manifest: string, content: Manifest, known: OwnFiles): Promise<void> {
  await mkdir(dirname(manifest), { recursive: true });
  const temp = `${join(dirname(manifest), `.${timeSortedId()}`)}.tmp`;
  await writeFile(temp, `${JSON.stringify(content, undefined, 2)}\n`);
  await rename(temp, manifest);
  const named = new Set(content.files.map(({ path }) => resolve(dirname(manifest), path)));
  for (const [path, { size_bytes }] of known)
    if (!named.has(path) && (await sizeOf(path)) === size_bytes) await rm(path);
  for (const { temp: from, path } of staged) await rename(from, path);
}
