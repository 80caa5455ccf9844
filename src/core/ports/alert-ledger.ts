/** What one alert has said of one subject (a table, a destination, the runs). */
export interface AlertState {
  /** Digest of the alert's entry. */
  readonly alert: string;
  readonly subject: string;
  /** An incident was told and has not ended. */
  readonly open: boolean;
  /** What it was compared with, where the alert compares. */
  readonly value?: number;
  readonly since: string;
}

/** What alerts remember between commands. */
export interface AlertLedger {
  states(): readonly AlertState[];
  put(state: AlertState): void;
  forget(alert: string, subject: string): void;
}
