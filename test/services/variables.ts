/** Why servers are not there, as JSON by name (`Absence`): from the process that starts them to those that run the tests. */
export const REASONS_VARIABLE = 'DATAFLOW_TEST_REASONS';

export interface Absence {
  readonly reason: string;
  /** It can be had and does not start: its tests fail. Else they are skipped. */
  readonly failed: boolean;
}
