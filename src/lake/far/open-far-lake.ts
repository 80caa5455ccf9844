import type { Project } from '../../core/model/project.ts';
import { computesElsewhere, lakeFolder } from '../../core/planning/lake-place.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { FarLakeStorage } from './far-lake-storage.ts';
import { FileCache } from './file-cache.ts';

/** A lake elsewhere as the rest of the program uses it. */
export interface FarLake {
  readonly storage: LakeStorage;
  /** The other side itself. */
  readonly far: FarStorage;
  readonly cache: FileCache;
}

const CACHE_LIMIT_BYTES = 20e9;
/** By the lake's local side. */
const opened = new Map<string, Promise<FarLake>>();

/**
 * One way to a lake elsewhere for the process: its connections and what was listed are shared by all who open the lake. Reaches nothing yet. `open` is told
 * how to hear that the far side asks to be spared.
 */
export function sharedFarLake(
  project: Pick<Project, 'lake' | 'root' | 'engine'>,
  open: (spared: () => void) => Promise<FarStorage> | FarStorage,
): Promise<FarLake> {
  const folder = lakeFolder(project);
  const known = opened.get(folder);
  if (known !== undefined) return known;
  const opening = openFarLake(project, folder, open);
  opened.set(folder, opening);
  return opening;
}

async function openFarLake(
  { lake: { url, cache_limit }, engine }: Pick<Project, 'lake' | 'engine'>,
  folder: string,
  open: (spared: () => void) => Promise<FarStorage> | FarStorage,
): Promise<FarLake> {
  let spared = (): void => undefined;
  const far = await open(() => spared());
  const cache = new FileCache({ far, folder, limit_bytes: cache_limit ?? CACHE_LIMIT_BYTES });
  spared = () => cache.spared();
  const storage = new FarLakeStorage({ far, url, folder, cache, staged_there: computesElsewhere(engine) });
  return { storage, far, cache };
}
