/** A reader at work. As long as it lives, nothing that it may be reading is collected. */
export interface LeaseRecord {
  readonly lease_id: string;
  /** `query`, `serve`, `compact`, …: for messages. */
  readonly purpose: string;
  readonly pid: number;
  readonly host: string;
  readonly opened_at_ms: number;
  /** Counts for holders that nobody here can look at: on another host, in another container. */
  readonly expires_at_ms: number;
  /** Versions that it reads, by table. Undefined: it has not said yet, and may be reading any that could be read when it began. */
  readonly pins?: Readonly<Record<string, number>>;
}

export interface Lease {
  readonly lease_id: string;
  /** Says which versions are read from now on, so that others may go; also renews the lease. */
  pin(tables: Readonly<Record<string, number>>): Promise<void>;
  release(): Promise<void>;
}

/**
 * Who reads the lake. A reader opens a lease before it looks up a version and releases it when it has read; one whose process is dead
 * does not count.
 */
export interface Leases {
  /** Never fails: where nothing can be written (a read-only lake) the reader goes on unregistered. */
  open(purpose: string): Promise<Lease>;
  /** Those that count, in no order; the files of the others are removed when `sweep` is set. */
  live(options?: { readonly sweep?: boolean }): Promise<readonly LeaseRecord[]>;
}
