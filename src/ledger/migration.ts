/** One step of the ledger's format; a file each in `migrations/`, never changed once released. */
export interface Migration {
  /** `user_version` of the database after it: 1, 2, 3 … */
  readonly version: number;
  readonly sql: string;
}
