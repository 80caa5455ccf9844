import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Project } from '../../core/model/project.ts';
import { findConfig } from './find-config.ts';
import { includedFiles } from './included-files.ts';
import type { LoadedProject, LoadOptions, ProjectInputs, SnapshotStore } from './loaded-project.ts';
import { readTextFile } from './read-text.ts';
import { addText, createTextHash } from './text-hash.ts';

/** A checked project as it is kept between two starts. It never holds a secret: a project with secrets is not kept. */
interface Snapshot extends ProjectInputs {
  readonly build_id: string;
  readonly project: Project;
  readonly files: readonly string[];
  readonly source_text_hash: string;
  readonly warnings: readonly string[];
  /** JSON of a path → index of the file, line, column; of the first levels only. */
  readonly places: Readonly<Record<string, readonly [number, number, number]>>;
}

/** Levels of the configuration whose places are kept: `gold.x.sql`, `silver.x.select.y`, `silver.x.rules[0]`. */
const PLACE_DEPTH_MAX = 4;
const FILE_BYTES_MAX = 10_000_000;

/** The project of the last start, if nothing that it depends on has changed since; else undefined, never an error. */
export async function takeSnapshot(options: LoadOptions, store: SnapshotStore): Promise<LoadedProject | undefined> {
  try {
    const config_file = await findConfig(options.cwd, options.config);
    const snapshot = JSON.parse(readTextFile(pathOf(store, config_file), FILE_BYTES_MAX)) as Snapshot;
    if (snapshot.build_id !== store.build_id || snapshot.project.config_file !== config_file) return undefined;
    for (const [name, value] of Object.entries(snapshot.env))
      if ((options.env[name] ?? null) !== value) return undefined;
    for (const { pattern, files } of snapshot.includes) {
      if (!isDeepStrictEqual(await includedFiles(pattern, dirname(config_file)), files)) return undefined;
    }
    if (textHash(snapshot) !== snapshot.source_text_hash) return undefined;
    return asLoaded(snapshot);
  } catch {
    return undefined; // absent, damaged or out of date: the configuration is read afresh and says what is wrong
  }
}

/** Keeps a project for the next start. Failing to do so is no error: it only costs time. */
export function keepSnapshot(
  loaded: LoadedProject,
  written: object,
  inputs: ProjectInputs,
  store: SnapshotStore,
): void {
  const { project, files, source_text_hash, warnings } = loaded;
  const path = pathOf(store, project.config_file);
  try {
    const places = placesOf(loaded, written);
    const snapshot: Snapshot = {
      ...inputs,
      build_id: store.build_id,
      project,
      files,
      source_text_hash,
      warnings,
      places,
    };
    const text = JSON.stringify(snapshot);
    // A component may have made something of its options that JSON cannot hold.
    const faithful = isDeepStrictEqual((JSON.parse(text) as Snapshot).project, project);
    if (loaded.secrets.length > 0 || !faithful || text.length > FILE_BYTES_MAX) {
      rmSync(path, { force: true });
      return;
    }
    mkdirSync(store.folder, { recursive: true, mode: 0o700 });
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).syscall !== 'string') throw error;
  }
}

function pathOf(store: SnapshotStore, config_file: string): string {
  return join(store.folder, `${createHash('sha256').update(config_file).digest('hex').slice(0, 32)}.json`);
}

function textHash({ project, files }: Snapshot): string {
  const hash = createTextHash();
  for (const file of files) addText(hash, relative(project.root, file), readTextFile(file, FILE_BYTES_MAX));
  return hash.digest('hex');
}

function placesOf({ files, place }: LoadedProject, written: object): Snapshot['places'] {
  const places: Record<string, readonly [number, number, number]> = {};
  const visit = (container: object, path: readonly (string | number)[]): void => {
    for (const [key, value] of Object.entries(container)) {
      const here = [...path, Array.isArray(container) ? Number(key) : key];
      const at = place(here);
      if (at !== undefined) places[JSON.stringify(here)] = [files.indexOf(at.file), at.line ?? 1, at.column ?? 1];
      if (typeof value === 'object' && value !== null && here.length < PLACE_DEPTH_MAX) visit(value, here);
    }
  };
  visit(written, []);
  return places;
}

/** A path below the levels kept is shown at the last level kept. */
function asLoaded(snapshot: Snapshot): LoadedProject {
  const { project, files, source_text_hash, warnings, places } = snapshot;
  return {
    project,
    files,
    source_text_hash,
    warnings,
    secrets: [],
    place: (path) => {
      const [file, line, column] = places[JSON.stringify(path.slice(0, PLACE_DEPTH_MAX))] ?? [];
      const name = file === undefined ? undefined : files[file];
      return name === undefined || line === undefined || column === undefined
        ? undefined
        : { file: name, line, column };
    },
  };
}
