import { randomUUID } from 'node:crypto';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { CandidateFile } from '../core/ports/engine.ts';
import type { CommitRequest } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { AdaptivePool } from '../kit/adaptive-pool.ts';
import { faultPoint } from '../kit/fault.ts';
import { type AddAction, IN_PLACE_OF } from './delta-actions.ts';
import { statsText } from './delta-stats.ts';
import { encodedPath, partitionFolder } from './log-paths.ts';
import { notePlaced } from './staging.ts';

const SEALS_AT_ONCE = 4;
const MOVES = { at_once_max: 8, weight_max: Number.POSITIVE_INFINITY };

/** Candidate files that lie under their published names; no log entry knows them yet. */
export interface PlacedFiles {
  readonly adds: readonly AddAction[];
  /** Moves them back into staging, where a candidate can be inspected. Never throws. */
  undo(): Promise<void>;
}

interface Move {
  readonly from: string;
  readonly to: string;
}

/** Hash and fsync each file, note where they go, move them under their final names, fsync the folders. */
export async function placeFiles(storage: LakeStorage, folder: string, request: CommitRequest): Promise<PlacedFiles> {
  const sealed = await sealAll(storage, request.add);
  const moves: Move[] = [];
  const adds = sealed.map(({ file, from, sha256 }): AddAction => {
    const path = publishedPath(request.partition_by, file);
    moves.push({ from, to: `${folder}/${path}` });
    return {
      path: encodedPath(path),
      partitionValues: Object.fromEntries(
        request.partition_by.map((column) => [column, file.partition_values[column] ?? null]),
      ),
      size: file.size_bytes,
      modificationTime: Date.now(),
      dataChange: request.data_change ?? true,
      stats: statsText(file.stats),
      tags: {
        'dataflow.sha256': sha256,
        ...(file.in_place_of === undefined ? {} : { [IN_PLACE_OF]: file.in_place_of }),
      },
    };
  });
  const done: Move[] = [];
  const undo = async (): Promise<void> => {
    for (const { from, to } of done) await storage.move(to, from).catch(() => undefined);
  };
  try {
    await moveAll(storage, folder, request, moves, done);
  } catch (error) {
    await undo();
    throw error;
  }
  return { adds, undo };
}

async function moveAll(
  storage: LakeStorage,
  folder: string,
  request: CommitRequest,
  moves: readonly Move[],
  done: Move[],
): Promise<void> {
  const folders = new Set([folder, ...moves.map(({ to }) => to.slice(0, to.lastIndexOf('/')))]);
  if (moves.length === 0) return;
  // The log's folder too: its name is made durable together with those of the files.
  for (const one of [`${folder}/_delta_log`, ...folders]) await storage.makeFolder(one, { settled: false });
  // A crash after this line leaves files that no log entry names; the note tells the clean-up whose they were.
  await notePlaced(
    storage,
    request.note,
    moves.map(({ to }) => to),
  );
  faultPoint('before-move');
  // A move is a rename here, and an upload where the lake lies elsewhere.
  await new AdaptivePool(MOVES).run(moves, async (move) => {
    await storage.move(move.from, move.to);
    done.push(move);
  });
  faultPoint('after-move');
  await storage.settle([...folders]);
  faultPoint('after-settle');
}

interface Sealed {
  readonly file: CandidateFile;
  readonly from: string;
  readonly sha256: string;
}

async function sealAll(storage: LakeStorage, files: readonly CandidateFile[]): Promise<readonly Sealed[]> {
  const sealed: Sealed[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < files.length; at = next++) {
      const file = files[at];
      if (file === undefined) return;
      const from = storage.pathOf(file.uri);
      if (from === undefined) throw new DataflowError('E_INTERNAL', `a candidate lies outside the lake: ${file.uri}`);
      const { sha256, size_bytes } = await storage.seal(from, toldOf(file));
      if (size_bytes !== file.size_bytes)
        throw new DataflowError(
          'E_LAKE_IO',
          `the staged file ${from} has ${size_bytes} bytes, but ${file.size_bytes} were written`,
          { kept: 'nothing was published' },
        );
      sealed[at] = { file, from, sha256 };
    }
  };
  // All workers end before an error leaves: nobody touches the files any more then.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(SEALS_AT_ONCE, files.length) }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return sealed;
}

function toldOf({ sha256, size_bytes }: CandidateFile): Parameters<LakeStorage['seal']>[1] {
  return sha256 === undefined ? undefined : { sha256, size_bytes };
}

/** Names are made here, never taken from input; partition folders are for people, the log is what counts. */
function publishedPath(partition_by: readonly string[], file: CandidateFile): string {
  const folders = partition_by.map((column) => partitionFolder(column, file.partition_values[column]));
  return [...folders, `part-${randomUUID()}.zst.parquet`].join('/');
}
