/** Why servers could not be had, as JSON by name: from the process that starts them to those that run the tests. */
export const REASONS_VARIABLE = 'DATAFLOW_TEST_REASONS';
