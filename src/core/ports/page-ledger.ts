/** Which runs of a long list. */
export interface RunPage<Status> {
  readonly limit: number;
  readonly status?: Status;
  /** The run that the page before ended with. */
  readonly before?: string;
}

/** Open rejected rows of one table, by rule or more closely. */
export interface QuarantineTotal {
  readonly table: string;
  readonly rule: string;
  readonly rows: number;
  readonly files: number;
}

/** Open rejected rows of one rule, file and run. */
export interface QuarantinePart extends Omit<QuarantineTotal, 'files'> {
  readonly file: string;
  readonly run_id: string;
}

/** Units of a source by what became of them. */
export interface InputTotals {
  readonly loaded: number;
  readonly refused: number;
  readonly removed: number;
}

/** What a table's log says of its steps. */
export interface LoggedSteps {
  /** Ids of those that its entries name. */
  readonly step_ids: readonly string[];
  /** Oldest and newest version that can be read. */
  readonly from: number;
  readonly to: number;
}

/** What is looked at page by page: the database bounds each answer, however long the ledger has become. */
export interface PageLedgerOf<Run extends { readonly status: string }, Step> {
  /** Newest first. */
  runs(page: RunPage<Run['status']>): readonly Run[];
  /** Records of a step, of any status but those that found nothing to do, newest first. */
  steps(step: string, limit: number): readonly Step[];
  /** Records of a step that its log can be held against, and those whose balance does not add up. */
  provable(step: string, log: LoggedSteps): readonly Step[];
  /** By table and rule, the most rows first. */
  quarantine(): readonly QuarantineTotal[];
  /** The parts of one table, the most rows first. */
  quarantineParts(table: string, limit: number): readonly QuarantinePart[];
  inputTotals(source: string): InputTotals;
}
