import type { DataFile } from '../../core/ports/lake.ts';
import type { LoggedVersion, PublishedFile, VersionRange } from '../../core/ports/lake-care.ts';
import type { LiveFile } from '../checkpoint/packed-files.ts';
import type { VersionEntry } from '../log-reader.ts';
import { dataFile, type TableState } from '../table-state.ts';

interface OpenFile {
  readonly file: DataFile;
  readonly since: number;
}

/**
 * A log being read forward, one version after the other, in place: which files are live, since when, and how many rows they hold. Kept
 * apart from `replay`, whose states are immutable and would be copied for every version.
 */
export class ReplayedLog {
  readonly versions: LoggedVersion[] = [];
  readonly #uriOf: (path: string) => string;
  readonly #resolve: (path: string) => string;
  readonly #live = new Map<string, OpenFile>();
  /** Of the live files. */
  #rows = 0;
  readonly #closed = new Map<string, { readonly file: DataFile; readonly versions: VersionRange[] }>();
  /** The version that the live files are those of; undefined where the log has a hole. */
  version: number | undefined;

  constructor(resolve: (path: string) => string, uriOf: (path: string) => string) {
    this.#resolve = resolve;
    this.#uriOf = uriOf;
  }

  get live(): ReadonlyMap<string, OpenFile> {
    return this.#live;
  }

  /** The next version, by its entry. */
  advance({ version, actions, committed_at_ms }: VersionEntry): void {
    let rows_removed = 0;
    let rows_added = 0;
    for (const { remove } of actions) {
      if (!remove) continue;
      const path = this.#resolve(remove.path);
      rows_removed += this.#live.get(path)?.file.rows ?? 0;
      this.#close(path, version - 1);
    }
    for (const { add } of actions) {
      if (!add) continue;
      const path = this.#resolve(add.path);
      rows_removed += this.#live.get(path)?.file.rows ?? 0;
      rows_added += this.#open(path, { action: add, version }, version).rows;
    }
    this.version = version;
    const info = actions.find((action) => action.commitInfo)?.commitInfo;
    const note = info?.dataflow ?? undefined;
    this.versions.push({
      version,
      committed_at_ms,
      operation: info?.operation ?? 'UNKNOWN',
      ...(note === undefined ? {} : { note }),
      rows_added,
      rows_removed,
      rows: this.#rows,
      data_change: actions.some(({ add, remove }) => add?.dataChange === true || remove?.dataChange === true),
    });
  }

  /** A version known from its checkpoint alone: the entries before it are gone. */
  restart(state: TableState, entry: VersionEntry | undefined): void {
    const { version } = state;
    for (const path of [...this.#live.keys()]) this.#close(path, this.version ?? version - 1);
    for (const [path, live] of state.adds) this.#open(path, live, version);
    this.version = version;
    const info = entry?.actions.find((action) => action.commitInfo)?.commitInfo;
    const note = info?.dataflow ?? undefined;
    this.versions.push({
      version,
      committed_at_ms: state.committed_at_ms,
      operation: info?.operation ?? 'UNKNOWN',
      ...(note === undefined ? {} : { note }),
      ...rowsOf(entry, this.#resolve, this.#live),
      rows: this.#rows,
      data_change: entry?.actions.some(({ add, remove }) => (add ?? remove)?.dataChange === true) ?? true,
    });
  }

  /** The version that comes next cannot be told. */
  lose(): void {
    for (const path of [...this.#live.keys()]) this.#close(path, this.version ?? -1);
    this.version = undefined;
  }

  files(): readonly PublishedFile[] {
    const all = new Map(this.#closed);
    for (const [path, { file, since }] of this.#live) {
      const range = { from: since, to: this.version ?? since };
      all.set(path, { file, versions: [...(all.get(path)?.versions ?? []), range] });
    }
    return [...all.values()].map(({ file, versions }) => ({ ...file, versions }));
  }

  #open(path: string, live: LiveFile, version: number): DataFile {
    const file = dataFile(path, live, this.#uriOf);
    this.#rows += file.rows - (this.#live.get(path)?.file.rows ?? 0);
    this.#live.set(path, { file, since: this.#live.get(path)?.since ?? version });
    return file;
  }

  #close(path: string, to: number): void {
    const open = this.#live.get(path);
    if (open === undefined) return;
    this.#live.delete(path);
    this.#rows -= open.file.rows;
    const versions = [...(this.#closed.get(path)?.versions ?? []), { from: open.since, to }];
    this.#closed.set(path, { file: open.file, versions });
  }
}

/** What the version itself added; how much it removed is known only with the version before it. */
function rowsOf(
  entry: VersionEntry | undefined,
  resolve: (path: string) => string,
  live: ReadonlyMap<string, OpenFile>,
): Pick<LoggedVersion, 'rows_added' | 'rows_removed'> {
  const added = entry?.actions.flatMap(({ add }) => (add ? [live.get(resolve(add.path))?.file.rows ?? 0] : [])) ?? [];
  return { rows_added: added.reduce((sum, rows) => sum + rows, 0), rows_removed: Number.NaN };
}
