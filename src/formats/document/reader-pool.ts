import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { DATA_PREFIX, packageFolder } from './packages.ts';
import { DocumentReader, findReader } from './reader.ts';

/** The data of the neural recogniser: nearly as good as the best and much faster; languages without it have the other. */
const DATA_VARIANTS = ['4.0.0_best_int', '4.0.0'];

/** Readers that wait for the next document, by languages. They never keep the program alive. */
const idle = new Map<string, DocumentReader[]>();
let busy = 0;
const queue: (() => void)[] = [];

/**
 * Lets `work` have a reader for these languages, of which at most `at_once` are at work. One that failed is not used again.
 * @param temp_folder local folder for the languages' data under the names that the recogniser looks for.
 */
export async function withReader<T>(
  { languages, at_once, temp_folder }: { languages: readonly string[]; at_once: number; temp_folder: string },
  work: (reader: DocumentReader) => Promise<T>,
): Promise<T> {
  while (busy >= at_once) await new Promise<void>((resolve) => queue.push(resolve));
  busy += 1;
  const key = languages.join('+');
  let reader: DocumentReader | undefined;
  try {
    reader = takeIdle(key) ?? (await startReader(languages, temp_folder));
    const result = await work(reader);
    if (reader.alive) idle.set(key, [...(idle.get(key) ?? []), reader]);
    return result;
  } catch (error) {
    reader?.kill();
    throw error;
  } finally {
    busy -= 1;
    queue.shift()?.();
  }
}

function takeIdle(key: string): DocumentReader | undefined {
  const waiting = idle.get(key) ?? [];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) if (one.alive) return one;
  return undefined;
}

async function startReader(languages: readonly string[], temp_folder: string): Promise<DocumentReader> {
  const entry = findReader();
  if (entry === undefined)
    throw new DataflowError('E_INTERNAL', 'the program that reads documents is missing; build it');
  return new DocumentReader(entry, { languages, language_folder: await languageFolder(languages, temp_folder) });
}

/** All languages in one folder, as the recogniser wants them. */
async function languageFolder(languages: readonly string[], temp_folder: string): Promise<string> {
  const folder = join(temp_folder, 'languages');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const language of languages) {
    const name = `${language}.traineddata.gz`;
    const folders = DATA_VARIANTS.map((one) => join(packageFolder(`${DATA_PREFIX}${language}`) ?? '', one, name));
    const from = folders.find((path) => existsSync(path)) ?? folders[0] ?? name;
    try {
      symlinkSync(from, join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await copyFile(from, join(folder, name));
    }
  }
  return folder;
}
