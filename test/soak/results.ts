import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where soaks keep their journals and results. */
export const SOAK_FOLDER = '.cache/soak';

/** Results of a soak, one JSON line each, so that a soak that was stopped goes on where it was. */
export interface Journal<T> {
  readonly entries: readonly T[];
  add(entry: T): void;
}

export function openJournal<T>(name: string): Journal<T> {
  const file = join(SOAK_FOLDER, `${name}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const entries = lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as T);
  return {
    entries,
    add: (entry) => {
      entries.push(entry);
      appendFileSync(file, `${JSON.stringify(entry)}\n`);
    },
  };
}

export function writeResult(name: string, result: Readonly<Record<string, unknown>>): string {
  const file = join(SOAK_FOLDER, `${name}.json`);
  mkdirSync(SOAK_FOLDER, { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

/** Numbers and words after flags: `--kills 1000 --seed 7`. */
export function numberOption(words: readonly string[], name: string, fallback: number): number {
  const at = words.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(words[at + 1]);
  if (!Number.isFinite(value)) throw new Error(`--${name} wants a number`);
  return value;
}
