import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { FarLakeStorage } from './far-lake-storage.ts';
import { FileCache } from './file-cache.ts';

/** A lake elsewhere as the rest of the program uses it. */
export interface FarLake {
  readonly storage: LakeStorage;
  readonly cache: FileCache;
}

/** Opens the way to a lake elsewhere; reaches nothing yet. @param options.open is told how to hear that the far side asks to be spared. */
export async function openFarLake(options: {
  readonly url: string;
  /** Absolute path of the lake's local side. */
  readonly folder: string;
  readonly limit_bytes: number;
  open(spared: () => void): Promise<FarStorage> | FarStorage;
}): Promise<FarLake> {
  let spared = (): void => undefined;
  const far = await options.open(() => spared());
  const cache = new FileCache({ far, folder: options.folder, limit_bytes: options.limit_bytes });
  spared = () => cache.spared();
  return { storage: new FarLakeStorage({ far, url: options.url, folder: options.folder, cache }), cache };
}
