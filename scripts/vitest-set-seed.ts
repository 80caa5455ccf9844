import fc from 'fast-check';

/** Runs before each test file: every property that names no seed of its own begins at this one. */
const seed = process.env['DATAFLOW_PROPERTY_SEED'];
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
