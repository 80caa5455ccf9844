/** Which rejected rows of a table are meant; several conditions must all hold. */
export interface QuarantineFilter {
  readonly rule?: string;
  /** The file as the quarantine names it, or the end of its path. */
  readonly file?: string;
  /** A run id, or its beginning. */
  readonly run?: string;
  /** A quarantine id, or its beginning. */
  readonly id?: string;
}

/** `prix = replace(prix, ',', '.')`: a cell and the SQL expression that gives its new value. */
export interface Assignment {
  readonly column: string;
  readonly sql: string;
}
