import type { Components } from '../../core/config/components.ts';
import type { Environment } from '../../core/config/interpolate.ts';
import type { Place } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';

export interface LoadOptions {
  /** Absolute path of the working folder. */
  readonly cwd: string;
  /** `--config`: a file or folder, relative to `cwd`. */
  readonly config?: string;
  readonly env: Environment;
  /** Everything that the configuration can name; a function is called only when it is needed. */
  readonly components: Components | (() => Promise<Components>);
  /** Where a checked project may be kept, so that the next start need not parse and check it again. */
  readonly snapshots?: SnapshotStore;
}

export interface SnapshotStore {
  /** A folder that only this user can write to, made when it is missing. */
  readonly folder: string;
  /** Changes with every build of the program: a snapshot of another build is not used. */
  readonly build_id: string;
}

export interface LoadedProject {
  readonly project: Project;
  /** Absolute paths of all files read, the main one first, then included ones, then SQL files. */
  readonly files: readonly string[];
  /** SHA-256 of the text of all these files. */
  readonly source_text_hash: string;
  /** Values to be masked wherever text is shown: see `redactor`. */
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
  /** Where a value of the configuration stands; undefined when it is not in the text (a default). */
  place(path: readonly (string | number)[]): Place | undefined;
}

/** What a project depends on beside the text of its files. */
export interface ProjectInputs {
  /** Environment variables asked for, with their values; null = unset. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Patterns of `include` and the files that they matched. */
  readonly includes: readonly { readonly pattern: string; readonly files: readonly string[] }[];
}
