/** Where the records of a file begin when their lines do not follow from their numbers. */
export const RECORD_LINES = `
  alter table input_history add column record_lines text;
`;

/** By which tests a published table was audited. */
export const TABLE_TESTS = `
  alter table steps add column tests_fingerprint text;
`;
