// Preloaded (NODE_OPTIONS=--require) to make the clock of a process wrong: DATAFLOW_TEST_CLOCK is a shift in ms, or `=<ms>` for a clock
// that stands still.
'use strict';

const wish = process.env.DATAFLOW_TEST_CLOCK ?? '0';
const real = Date;
const now = wish.startsWith('=') ? () => Number(wish.slice(1)) : () => real.now() + Number(wish);
globalThis.Date = class extends real {
  constructor(...parts) {
    if (parts.length === 0) super(now());
    else super(...parts);
  }
  static now() {
    return now();
  }
};
