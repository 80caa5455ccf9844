/** What decides which versions of a table stay. */
export interface RetentionFacts {
  /** Versions that can be read, ascending, with their commit times. */
  readonly versions: readonly { readonly version: number; readonly committed_at_ms: number }[];
  /** Versions that were replaced before this moment may go. */
  readonly replaced_before_ms: number;
  /** From this version on all stay: some step has yet to compare with it. */
  readonly needed_from: number | undefined;
  /** Versions that a release or a reader holds. */
  readonly pins: ReadonlySet<number>;
}

export interface Retention {
  /** This version and all after it stay. */
  readonly from: number;
  /** Older versions that stay all the same, ascending. */
  readonly pinned: readonly number[];
  /** Versions to collect, ascending. */
  readonly collected: readonly number[];
}

/**
 * The newest version always stays, and so does each one that was the newest within the time that is kept, counted from the moment at which the
 * next one replaced it. Pure.
 */
export function planRetention({ versions, replaced_before_ms, needed_from, pins }: RetentionFacts): Retention {
  let from = versions.at(-1)?.version ?? 0;
  for (let at = versions.length - 2; at >= 0; at--) {
    const [one, next] = [versions[at], versions[at + 1]];
    if (one === undefined || next === undefined || next.committed_at_ms < replaced_before_ms) break;
    from = one.version;
  }
  if (needed_from !== undefined) from = Math.min(from, needed_from);
  const older = versions.map(({ version }) => version).filter((version) => version < from);
  return {
    from,
    pinned: older.filter((version) => pins.has(version)),
    collected: older.filter((version) => !pins.has(version)),
  };
}
