/** What is known of a temporary table before it is made. */
export interface MaterializeOptions {
  /** The rows are added to those that are there. */
  readonly append?: boolean;
  /** `false`: nobody asks how many rows came; the answer may be 0. Engines that compute elsewhere are asked one question less. */
  readonly counted?: boolean;
  /**
   * The query reads little and gives the same rows each time: an engine for which a table is a job of its own may keep the query instead. Nobody asks how many
   * rows came.
   */
  readonly cheap?: boolean;
}
