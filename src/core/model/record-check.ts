/**
 * What the records of a source must have beside values of the right types, or they are rejected: a value in a column, or a number that is not too
 * small. Plain data, because it is asked again when a rejected record comes home.
 */
export interface RecordCheck {
  /** The rule's name in the quarantine. */
  readonly rule: string;
  readonly column: string;
  /** The least number; absent: any value will do. */
  readonly min?: number;
  /** How the reason begins, different for each check of a source; where there is a `min`, the value follows. */
  readonly says: string;
  /** True: a record that a person has corrected need not pass. */
  readonly corrected_passes?: true;
}
