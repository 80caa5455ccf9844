/** A piece of SQL that the raw script runs: a gold model of the project, or a macro it uses. */
export interface RawTable {
  readonly layer: 'gold' | 'macro';
  readonly name: string;
  readonly sql: string;
}
