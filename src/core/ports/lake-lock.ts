/** The right to change a lake that several machines can reach: one of them has it at a time. */
export interface LakeLock {
  /** Throws E_LOCK_LOST when somebody else has taken it since, or may have. */
  check(): void;
  release(): Promise<void>;
}
