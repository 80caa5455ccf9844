import type { DataFile, VersionChanges } from '../core/ports/lake.ts';
import type { LiveFile } from './checkpoint/packed-files.ts';
import type { Action } from './delta-actions.ts';
import type { VersionEntry } from './log-reader.ts';
import { dataFile, type PathResolver, type TableState } from './table-state.ts';

/** A file that came since the start, and its place in the order of arrival. */
interface Fresh {
  readonly file: DataFile;
  readonly place: number;
}

/**
 * Files that hold the same rows together as others did before: a file that was there at the start, alone, or what compaction made of
 * several files.
 */
interface Group {
  /** Files of the start whose rows these are. */
  readonly origins: readonly DataFile[];
  /** Files that came since and were rearranged together with them. */
  readonly fresh: readonly Fresh[];
  /** Paths of the files that hold the rows now. */
  readonly members: ReadonlySet<string>;
}

type Live = { readonly group: Group } | { readonly fresh: Fresh };

/** Files by path; those of the start that nothing happened to are not looked at. */
class LiveSince {
  readonly #before: TableState;
  readonly #uriOf: (path: string) => string;
  readonly #changes = new Map<string, Live | undefined>();

  constructor(before: TableState, uriOf: (path: string) => string) {
    this.#before = before;
    this.#uriOf = uriOf;
  }

  get(path: string): Live | undefined {
    if (this.#changes.has(path)) return this.#changes.get(path);
    const file = this.#before.adds.get(path);
    if (file === undefined) return undefined;
    const origins = [dataFile(path, file, this.#uriOf)];
    return { group: { origins, fresh: [], members: new Set([path]) } };
  }

  has(path: string): boolean {
    return this.#changes.has(path) ? this.#changes.get(path) !== undefined : this.#before.adds.has(path);
  }

  set(path: string, live: Live): void {
    this.#changes.set(path, live);
  }

  delete(path: string): void {
    this.#changes.set(path, undefined);
  }

  /** Files that came since the start, and groups that were made since. */
  changed(): readonly Live[] {
    return [...this.#changes.values()].filter((one) => one !== undefined);
  }
}

/**
 * What changed from a state over the following entries, by file. Files that were only rearranged (`dataChange: false`) do not count, also
 * when new ones were among them: those are told as they were before. When a rearranged file is rewritten later, the files that its rows
 * came from count as removed, and its neighbours as added.
 */
export function changesSince(
  before: TableState,
  entries: readonly VersionEntry[],
  resolve: PathResolver,
  uriOf: (path: string) => string,
): VersionChanges {
  const live = new LiveSince(before, uriOf);
  const removed = new Map<string, DataFile>();
  let schema_changed = false;
  let place = 0;
  for (const { version, actions } of entries) {
    if (actions.some((action) => action.metaData)) schema_changed = true;
    const adds: (readonly [string, LiveFile])[] = actions.flatMap(({ add }) =>
      add ? [[resolve(add.path), { action: add, version }] as const] : [],
    );
    const gone = actions.flatMap(({ remove }) => (remove ? [resolve(remove.path)] : []));
    if (isRearrangement(actions)) rearrange(live, gone, adds, uriOf);
    else {
      for (const path of gone) forget(live, path, removed, (old) => renewed(before, old, entries, resolve, uriOf));
      for (const [path, file] of adds)
        if (!isGrouped(live.get(path)))
          live.set(path, { fresh: { file: dataFile(path, file, uriOf), place: place++ } });
    }
  }
  // A file that left and came back (an undo) holds the very rows that it held: `delete` tells whether it had left.
  const added = freshOf(live).filter((file) => !removed.delete(file.path));
  return { added, removed: [...removed.values()], schema_changed };
}

/** Neither a row nor the definition of the table changed. */
export function isNeutral(actions: readonly Action[]): boolean {
  return isRearrangement(actions) && !actions.some((action) => action.metaData);
}

function isRearrangement(actions: readonly Action[]): boolean {
  return actions.every(({ add, remove }) => add?.dataChange !== true && remove?.dataChange !== true);
}

/** In the order of arrival. */
function freshOf(live: LiveSince): readonly DataFile[] {
  const changed = live.changed();
  const groups = new Set(changed.flatMap((one) => ('group' in one ? [one.group] : [])));
  const alone = changed.flatMap((one) => ('fresh' in one ? [one.fresh] : []));
  const all = [...alone, ...[...groups].flatMap((group) => group.fresh)];
  return all.sort((a, b) => a.place - b.place).map(({ file }) => file);
}

function isGrouped(live: Live | undefined): boolean {
  return live !== undefined && 'group' in live;
}

/** The same rows in other files. Adding a file again (new statistics) is the smallest case. */
function rearrange(
  live: LiveSince,
  gone: readonly string[],
  adds: readonly (readonly [string, LiveFile])[],
  uriOf: (path: string) => string,
): void {
  if (gone.length === 0) return;
  const { origins, fresh, members } = takeOut(live, gone);
  for (const [path] of adds) members.add(path);
  if (origins.size === 0) {
    // Only new rows: they are told by the files that hold them now, in the place of the first.
    const place = Math.min(...[...fresh.values()].map((one) => one.place));
    for (const [path, file] of adds) live.set(path, { fresh: { file: dataFile(path, file, uriOf), place } });
    return;
  }
  const group = { origins: [...origins.values()], fresh: [...fresh.values()], members };
  for (const path of members) live.set(path, { group });
}

/** Takes files out of the table and returns all that their rows belong to; `members` are files that stay and share it. */
function takeOut(
  live: LiveSince,
  gone: readonly string[],
): { readonly origins: Map<string, DataFile>; readonly fresh: Map<string, Fresh>; readonly members: Set<string> } {
  const origins = new Map<string, DataFile>();
  const fresh = new Map<string, Fresh>();
  const members = new Set<string>();
  for (const path of gone) {
    const known = live.get(path);
    live.delete(path);
    if (known === undefined) continue;
    const group = 'group' in known ? known.group : { origins: [], fresh: [known.fresh], members: [] };
    for (const origin of group.origins) origins.set(origin.path, origin);
    for (const one of group.fresh) fresh.set(one.file.path, one);
    for (const member of group.members) if (!gone.includes(member)) members.add(member);
  }
  return { origins, fresh, members };
}

/** A file's rows left the table, or were rewritten. */
function forget(
  live: LiveSince,
  path: string,
  removed: Map<string, DataFile>,
  fileOf: (path: string) => DataFile | undefined,
): void {
  const known = live.get(path);
  live.delete(path);
  if (known === undefined || 'fresh' in known) return;
  const { origins, fresh, members } = known.group;
  for (const origin of origins) removed.set(origin.path, origin);
  const place = Math.min(...fresh.map((one) => one.place), Number.MAX_SAFE_INTEGER);
  for (const member of members) {
    const file = member === path ? undefined : fileOf(member);
    if (file !== undefined && live.has(member)) live.set(member, { fresh: { file, place } });
  }
}

/** The data file of a path that was live at the start or was added since. */
function renewed(
  before: TableState,
  path: string,
  entries: readonly VersionEntry[],
  resolve: PathResolver,
  uriOf: (path: string) => string,
): DataFile | undefined {
  let found = before.adds.get(path);
  for (const { version, actions } of entries)
    for (const { add } of actions) if (add && resolve(add.path) === path) found = { action: add, version };
  return found === undefined ? undefined : dataFile(path, found, uriOf);
}
