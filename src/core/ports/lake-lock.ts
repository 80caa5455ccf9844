/** Who wants to change a lake that several machines can reach. */
export interface LakeLockRequest {
  readonly command: string;
  /** Local folder of the ledger: with the host it tells one ledger from others. */
  readonly state_folder: string;
  /** Whether something was begun that only this ledger can finish (an undo); asked when the lock is taken and when it is released. */
  owes(): boolean;
}

/** The right to change a lake that several machines can reach: one of them has it at a time. */
export interface LakeLock {
  /** Throws E_LOCK_LOST when somebody else has taken it since, or may have. */
  check(): void;
  release(): Promise<void>;
}
