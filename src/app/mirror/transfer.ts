/** How far a transfer is. */
export interface TransferProgress {
  readonly phase: 'comparing' | 'putting' | 'reading back' | 'fetching';
  readonly files: number;
  readonly files_total: number;
  readonly bytes: number;
  readonly bytes_total: number;
}

/** What every command asks that moves files between the lake and a mirror. */
export interface TransferOptions {
  /** Of the mirror. */
  readonly name: string;
  readonly dry_run: boolean;
  /** The command line as typed, for the lock. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly progress: (progress: TransferProgress) => void;
}
