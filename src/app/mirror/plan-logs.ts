import { tableKey } from '../../core/model/table.ts';
import type { MirrorItem } from '../../core/planning/mirror-plan.ts';
import type { TableFiles } from '../../core/ports/lake-care.ts';

/** What is done to one table's log, in this order. */
export interface TableLog {
  readonly table: string;
  /** The log of another table that is replaced by force. It goes as a whole before ours comes: no version may consist of entries of both. */
  readonly cleared: readonly MirrorItem[];
  /** Entries ascending, then checkpoints, then hints. */
  readonly puts: readonly MirrorItem[];
}

export interface LogPlan {
  /** Entries that go in any order, before all others: of tables that nobody can read there until their oldest entry comes. */
  readonly early: readonly MirrorItem[];
  readonly logs: readonly TableLog[];
}

/**
 * Plans the logs of tables. Pure. A table that is there gets its entries one after the other, so that each moment is a version. One that is not can be read
 * by nobody before its oldest entry, or a checkpoint, is there: these come when all other entries are, and the table appears as it was released.
 */
export function planLogs(
  near: readonly TableFiles[],
  items: readonly MirrorItem[],
  puts: readonly MirrorItem[],
  replaced: ReadonlySet<string>,
): LogPlan {
  const found = byTable(items.filter(({ path }) => isOfLog(path)));
  const wanted = byTable(puts.filter(({ near: file }) => file?.kind !== 'data'));
  const early: MirrorItem[] = [];
  const logs: TableLog[] = [];
  for (const table of near) {
    const key = tableKey(table.table);
    const its = wanted.get(key) ?? [];
    const there = found.get(key) ?? [];
    const cleared = replaced.has(key) ? clearedOf(table, there) : [];
    if (its.length + cleared.length === 0) continue;
    const gone = new Set(cleared);
    const sorted = its
      .map((item) => (gone.has(item) ? { ...item, far: undefined } : item))
      .sort((a, b) => order(a) - order(b) || (a.path < b.path ? -1 : 1));
    const waits =
      cleared.length === 0 && isUnseen(table, there) ? (item: MirrorItem) => isWaited(table, item) : () => true;
    early.push(...sorted.filter((item) => !waits(item)));
    logs.push({ table: key, cleared, puts: sorted.filter(waits) });
  }
  return { early, logs };
}

/** Whether a table's log has neither a beginning nor a checkpoint there. */
function isUnseen({ entries, checkpoints }: TableFiles, there: readonly MirrorItem[]): boolean {
  const missing = new Set(there.filter(({ mark }) => mark === '+').map(({ path }) => path));
  const only_far = there.some(({ near }) => near === undefined);
  return !only_far && [...entries.slice(0, 1), ...checkpoints].every(({ path }) => missing.has(path));
}

/** What makes a table readable comes after everything else. */
function isWaited({ entries }: TableFiles, { near, path }: MirrorItem): boolean {
  return near?.kind !== 'entry' || path === entries[0]?.path;
}

const VERSION = /\/_delta_log\/(\d{20})\.(json$|checkpoint\.)/;

/** From the first entry on that is another one there, and all of it when not even the beginning is the same; what readers look at first goes first. */
function clearedOf({ entries }: TableFiles, there: readonly MirrorItem[]): readonly MirrorItem[] {
  const others = there.filter(({ mark, path }) => mark === '!' && path.endsWith('.json')).map(versionOf);
  if (others.length === 0) return [];
  const from = Math.min(...others);
  const all = from <= versionOf({ path: entries[0]?.path ?? '' });
  return there
    .filter((item) => item.far !== undefined && (all || versionOf(item) >= from))
    .sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)) || (a.path < b.path ? 1 : -1));
}

/** Hints are of all versions. */
function versionOf({ path }: Pick<MirrorItem, 'path'>): number {
  return Number(VERSION.exec(path)?.[1] ?? Number.POSITIVE_INFINITY);
}

function isEntry({ path }: MirrorItem): boolean {
  return path.endsWith('.json');
}

const ORDER = { data: 0, entry: 1, checkpoint: 2, hint: 3 } as const;

function order({ near }: MirrorItem): number {
  return ORDER[near?.kind ?? 'data'];
}

export function isOfLog(path: string): boolean {
  return path.includes('/_delta_log/');
}

function byTable(items: readonly MirrorItem[]): ReadonlyMap<string, readonly MirrorItem[]> {
  const found = new Map<string, MirrorItem[]>();
  for (const item of items) {
    if (item.table === undefined) continue;
    const its = found.get(item.table);
    if (its === undefined) found.set(item.table, [item]);
    else its.push(item);
  }
  return found;
}
