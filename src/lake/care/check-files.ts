import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { TableId } from '../../core/model/table.ts';
import type { FileProblem, LakeCare, PublishedFile } from '../../core/ports/lake-care.ts';
import type { LakeStorage, StoredDigest } from '../../core/ports/storage.ts';
import { AdaptivePool } from '../../kit/adaptive-pool.ts';
import { digestFiles } from '../../kit/digest-pool.ts';
import { footerRows } from '../row-counts.ts';

const LOOKS_AT_ONCE = 8;

interface Job {
  readonly table: TableId;
  readonly file: PublishedFile;
  /** Relative to the lake. */
  readonly path: string;
}

type Options = Parameters<LakeCare['checkFiles']>[1];

/** Hashes on every core, sizes and footers meanwhile in this thread; at most one problem a file, the plainest. */
export async function checkFiles(
  storage: LakeStorage,
  jobs: readonly Job[],
  options: Options,
): Promise<readonly FileProblem[]> {
  const hashing = options.quick ? Promise.resolve([]) : hashAll(storage, jobs, options);
  const [hashed, looked] = await Promise.all([hashing, lookAll(storage, jobs, options.signal)]);
  const problems = new Map(hashed);
  for (const [path, problem] of looked) problems.set(path, problem);
  return [...problems.values()];
}

type Found = readonly (readonly [string, FileProblem])[];

async function lookAll(storage: LakeStorage, jobs: readonly Job[], signal: AbortSignal): Promise<Found> {
  const found: [string, FileProblem][] = [];
  for (let at = 0; at < jobs.length; at += LOOKS_AT_ONCE) {
    signal.throwIfAborted();
    const look = async (job: Job): Promise<void> => {
      const problem = await lookAt(storage, job);
      if (problem !== undefined) found.push([job.path, problem]);
    };
    await Promise.all(jobs.slice(at, at + LOOKS_AT_ONCE).map(look));
  }
  return found;
}

async function lookAt(storage: LakeStorage, { table, file, path }: Job): Promise<FileProblem | undefined> {
  const expected = `${file.size_bytes} bytes`;
  const info = await storage.info(path);
  if (info === undefined) return { table, file, kind: 'missing', expected, actual: 'no such file' };
  if (info.size_bytes !== file.size_bytes)
    return { table, file, kind: 'size', expected, actual: `${info.size_bytes} bytes` };
  try {
    const rows = await footerRows(storage, path, file.size_bytes);
    if (file.stats === undefined || rows === file.rows) return undefined;
    return { table, file, kind: 'rows', expected: `${file.rows} rows`, actual: `${rows} rows in its footer` };
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    return { table, file, kind: 'unreadable', expected: 'a Parquet file', actual: error.message };
  }
}

async function digestThere(
  digest: NonNullable<LakeStorage['digest']>,
  jobs: readonly Job[],
  { signal, tell }: Pick<Options, 'signal' | 'tell'>,
): Promise<readonly StoredDigest[]> {
  const found: StoredDigest[] = [];
  await new AdaptivePool({ at_once_max: LOOKS_AT_ONCE, weight_max: Number.POSITIVE_INFINITY }).run(
    jobs.entries(),
    async ([at, { path }]) => {
      found[at] = await digest(path, signal, tell);
    },
  );
  return found;
}

async function hashAll(storage: LakeStorage, jobs: readonly Job[], { signal, tell }: Options): Promise<Found> {
  const recorded = jobs.filter(({ file }) => file.sha256 !== undefined);
  const digests =
    storage.digest === undefined
      ? await digestFiles(
          recorded.map(({ path, file }) => ({ path: storage.uri(path), size_bytes: file.size_bytes })),
          { signal, tell },
        )
      : await digestThere(storage.digest.bind(storage), recorded, { signal, tell });
  return recorded.flatMap(({ table, file, path }, index): [string, FileProblem][] => {
    const { sha256, error } = digests[index] ?? {};
    const expected = file.sha256 ?? '';
    if (sha256 === expected) return [];
    const problem: FileProblem =
      sha256 === undefined
        ? { table, file, kind: 'unreadable', expected, actual: error ?? 'not read' }
        : { table, file, kind: 'hash', expected, actual: sha256 };
    return [[path, problem]];
  });
}
