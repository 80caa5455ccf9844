/** Set by `npm run soak:disk`: faults at each point in turn, where `npm test` takes a part of them. */
export const FINE = process.env['DATAFLOW_SOAK_FINE'] === '1';
