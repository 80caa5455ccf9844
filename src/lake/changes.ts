import type { DataFile, VersionChanges } from '../core/ports/lake.ts';
import type { VersionEntry } from './log-reader.ts';
import { dataFile, type LiveFile, type PathResolver, type TableState } from './table-state.ts';

/** A live file is `old` as long as its rows were there at the start, possibly in other files (compaction); these are its origins. */
interface Old {
  readonly origins: readonly DataFile[];
  /** Paths of the files that now hold the origins' rows together. */
  readonly members: ReadonlySet<string>;
}

type Live = { readonly old: Old } | { readonly fresh: DataFile };

/**
 * What changed from a state over the following entries, by file. Files that were only rearranged (`dataChange: false`) do not count; when
 * a rearranged file is rewritten later, the files that its rows came from count as removed, and its neighbours as added.
 */
export function changesSince(
  before: TableState,
  entries: readonly VersionEntry[],
  resolve: PathResolver,
  uriOf: (path: string) => string,
): VersionChanges {
  const live = new Map<string, Live>();
  for (const [path, file] of before.adds)
    live.set(path, { old: { origins: [dataFile(path, file, uriOf)], members: new Set([path]) } });
  const removed = new Map<string, DataFile>();
  let schema_changed = false;
  for (const { version, actions } of entries) {
    if (actions.some((action) => action.metaData)) schema_changed = true;
    const adds: (readonly [string, LiveFile])[] = actions.flatMap(({ add }) =>
      add ? [[resolve(add.path), { action: add, version }] as const] : [],
    );
    const gone = actions.flatMap(({ remove }) => (remove ? [resolve(remove.path)] : []));
    const neutral = actions.every(({ add, remove }) => add?.dataChange !== true && remove?.dataChange !== true);
    if (neutral && gone.every((path) => isOld(live.get(path))))
      rearrange(
        live,
        gone,
        adds.map(([path]) => path),
      );
    else {
      for (const path of gone) forget(live, path, removed, (old) => renewed(before, old, entries, resolve, uriOf));
      for (const [path, file] of adds)
        if (!isOld(live.get(path))) live.set(path, { fresh: dataFile(path, file, uriOf) });
    }
  }
  // A file that left and came back (an undo) holds the very rows that it held: `delete` tells whether it had left.
  const added = [...live].flatMap(([path, one]) => ('fresh' in one && !removed.delete(path) ? [one.fresh] : []));
  return { added, removed: [...removed.values()], schema_changed };
}

function isOld(live: Live | undefined): boolean {
  return live !== undefined && 'old' in live;
}

/** The same rows in other files. Adding a file again (new statistics) is the smallest case. */
function rearrange(live: Map<string, Live>, gone: readonly string[], added: readonly string[]): void {
  const origins: DataFile[] = [];
  const members = new Set(added);
  for (const path of gone) {
    const known = live.get(path);
    if (known === undefined || !('old' in known)) continue;
    for (const origin of known.old.origins) if (!origins.some((one) => one.path === origin.path)) origins.push(origin);
    for (const member of known.old.members) if (!gone.includes(member)) members.add(member);
    live.delete(path);
  }
  if (gone.length === 0) return;
  for (const path of members) live.set(path, { old: { origins, members } });
}

/** A file's rows left the table, or were rewritten. */
function forget(
  live: Map<string, Live>,
  path: string,
  removed: Map<string, DataFile>,
  fileOf: (path: string) => DataFile | undefined,
): void {
  const known = live.get(path);
  live.delete(path);
  if (known === undefined || !('old' in known)) return;
  for (const origin of known.old.origins) removed.set(origin.path, origin);
  for (const member of known.old.members) {
    const file = member === path ? undefined : fileOf(member);
    if (file !== undefined && live.has(member)) live.set(member, { fresh: file });
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
