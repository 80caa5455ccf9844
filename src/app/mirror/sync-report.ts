import type { LeftTable } from './apply-sync.ts';

/** One file of a comparison, as it is printed. */
export interface MirrorLine {
  /** `=` equal · `+` goes there · `*` goes there again · `-` only there · `!` nobody of us did that. */
  readonly mark: string;
  readonly table: string | null;
  readonly path: string;
  readonly size_bytes: number;
  readonly why: string;
}

/** What one sync of one mirror came to; with `dry_run`, would come to. */
export interface SyncReport {
  readonly mirror: string;
  readonly place: string;
  readonly release_id: string;
  /** Nothing was different: the listing proves it. */
  readonly up_to_date: boolean;
  readonly tables: number;
  readonly files_equal: number;
  readonly files_put: number;
  readonly bytes_put: number;
  readonly bytes_resumed: number;
  readonly files_removed: number;
  /** Files that the lake no longer has and that stay there. */
  readonly files_left: number;
  /** Files that others changed or put there. */
  readonly files_conflicting: number;
  /** Tables that were not brought up to date, and why. */
  readonly left: readonly LeftTable[];
  /** What the other side holds of the mirror now, counted in a listing after the last write. */
  readonly files_there: number;
  readonly bytes_there: number;
  /** What was asked of the other side, by kind. */
  readonly requests: Readonly<Record<string, number>>;
  readonly wall_ms: number;
  readonly dry_run: boolean;
  /** Without equal files. */
  readonly lines: readonly MirrorLine[];
}
