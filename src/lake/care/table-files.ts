import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { TableId } from '../../core/model/table.ts';
import type { LakeFile, TableFiles } from '../../core/ports/lake-care.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { readCheckpoint } from '../checkpoint/reader.ts';
import { type Action, isAltered, parseLog } from '../delta-actions.ts';
import { ARCHIVE_NAME } from '../history-archive.ts';
import { entryName, type LogListing } from '../log-listing.ts';
import { lakePath } from '../log-paths.ts';
import { LogReader } from '../log-reader.ts';
import { stateOf } from '../table-state.ts';
import { ReplayedLog } from './replayed.ts';

const READS_AT_ONCE = 16;
const LAST_CHECKPOINT = '_last_checkpoint';

/** See {@link LakeCare.tableFiles}. A checkpoint is decoded only where the entries before it are gone. */
export async function tableFiles(
  storage: LakeStorage,
  folder: string,
  table: TableId,
  version: number,
): Promise<TableFiles> {
  const log = new LogReader(storage, folder);
  const listing = await log.listing();
  const log_folder = `${folder}/_delta_log`;
  const wanted = listing.entries.filter((one) => one <= version);
  const checkpoints = [...listing.checkpoints].filter(([one]) => one <= version);
  const entries = new Map<number, readonly Action[]>();
  const entry_files: LakeFile[] = [];
  for (let at = 0; at < wanted.length; at += READS_AT_ONCE)
    for (const one of await Promise.all(
      wanted.slice(at, at + READS_AT_ONCE).map((v) => entryOf(storage, log_folder, v)),
    )) {
      entries.set(one.version, one.actions);
      entry_files.push(one.file);
    }
  const replayed = new ReplayedLog(log.resolve, (path) => storage.uri(lakePath(folder, path)));
  const first = Math.min(...wanted.slice(0, 1), ...checkpoints.map(([one]) => one));
  for (let at = first; at <= version; at++) {
    const actions = entries.get(at);
    const names = listing.checkpoints.get(at);
    if (actions !== undefined && (replayed.version ?? -1) === at - 1 && (at === 0 || replayed.version !== undefined))
      replayed.advance({ version: at, actions, committed_at_ms: 0 });
    else if (names !== undefined) await restart(storage, log_folder, log, replayed, { version: at, names });
    else if (replayed.version !== undefined) replayed.lose();
  }
  if (replayed.version !== version)
    throw new DataflowError('E_LAKE_NO_VERSION', `${log_folder} has no version ${version} that can be read`);
  return {
    ...{ table, folder, version },
    versions: replayed.versions.map((one) => one.version),
    data: replayed.files().map(
      (file): LakeFile => ({
        path: lakePath(folder, file.path),
        kind: 'data',
        size_bytes: file.size_bytes,
        ...(file.sha256 === undefined ? {} : { sha256: file.sha256 }),
      }),
    ),
    entries: entry_files,
    checkpoints: await lookedAt(
      storage,
      checkpoints.flatMap(([, names]) => names.map((name) => `${log_folder}/${name}`)),
      'checkpoint',
    ),
    hints: await hintsOf(storage, log_folder, listing, version),
  };
}

async function entryOf(
  storage: LakeStorage,
  log_folder: string,
  version: number,
): Promise<{ readonly version: number; readonly actions: readonly Action[]; readonly file: LakeFile }> {
  const path = `${log_folder}/${entryName(version)}`;
  const bytes = await storage.read(path);
  if (bytes === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `the log entry ${path} is gone`);
  if (isAltered(bytes))
    throw new DataflowError('E_LAKE_CORRUPT', `the log entry ${path} is not as it was written`, {
      hint: 'Bring it back with `dataflow restore`; see `dataflow verify`.',
    });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, actions: parseLog(bytes, path), file: { path, kind: 'entry', size_bytes: bytes.length, sha256 } };
}

async function restart(
  storage: LakeStorage,
  log_folder: string,
  log: LogReader,
  replayed: ReplayedLog,
  { version, names }: { readonly version: number; readonly names: readonly string[] },
): Promise<void> {
  const paths = names.map((name) => `${log_folder}/${name}`);
  const content = await readCheckpoint(storage, paths, log.resolve);
  replayed.restart(stateOf(content, { version, committed_at_ms: 0 }, log.resolve), undefined);
}

/** Small files that are written over again and again; the pointer only if it names a checkpoint that is among the others. */
async function hintsOf(
  storage: LakeStorage,
  log_folder: string,
  listing: LogListing,
  version: number,
): Promise<readonly LakeFile[]> {
  const hints: LakeFile[] = [];
  for (const name of [ARCHIVE_NAME, LAST_CHECKPOINT]) {
    const path = `${log_folder}/${name}`;
    const bytes = await storage.read(path);
    if (bytes === undefined) continue;
    if (name === LAST_CHECKPOINT) {
      const named = /"version":(\d+)/.exec(Buffer.from(bytes).toString('utf8'))?.[1];
      if (named === undefined || Number(named) > version || !listing.checkpoints.has(Number(named))) continue;
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    hints.push({ path, kind: 'hint', size_bytes: bytes.length, sha256 });
  }
  return hints;
}

async function lookedAt(
  storage: LakeStorage,
  paths: readonly string[],
  kind: LakeFile['kind'],
): Promise<readonly LakeFile[]> {
  const files: LakeFile[] = [];
  for (const path of paths) {
    const info = await storage.info(path);
    if (info !== undefined) files.push({ path, kind, size_bytes: info.size_bytes, modified_ms: info.modified_ms });
  }
  return files;
}
