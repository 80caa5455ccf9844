import type { SilverSpec } from './project.ts';

/** Columns that `history: true` adds: from when to when a version of a row holds, and whether it is the newest of its key. */
export const HISTORY_COLUMNS = ['valid_from', 'valid_to', 'is_current'] as const;

/** The columns of a table whose selected columns are these: with a history, the moments have the type of `dedupe.by`. */
export function withHistory<C extends { readonly name: string; readonly type: string }>(
  { history, dedupe }: SilverSpec,
  columns: readonly C[],
): readonly (C | { readonly name: string; readonly type: string })[] {
  if (history !== true || dedupe?.by === undefined) return columns;
  const by = dedupe.by.toLowerCase();
  const type = columns.find((column) => column.name.toLowerCase() === by)?.type ?? 'timestamptz';
  return [...columns, ...HISTORY_COLUMNS.map((name) => ({ name, type: name === 'is_current' ? 'boolean' : type }))];
}

/** What identifies a row of the table: the key, and with a history the moment from which it holds. */
export function rowKeyOf({ key, history, dedupe }: SilverSpec): readonly string[] {
  return history === true && dedupe?.by !== undefined ? [...key, dedupe.by] : key;
}

/**
 * True for tables in which a row's fate depends on all rows of its key, late ones and deletions included: they are computed as a
 * whole whenever their input moves.
 */
export function needsAllRows({ history, deleted_when }: SilverSpec): boolean {
  return history === true || deleted_when !== undefined;
}
