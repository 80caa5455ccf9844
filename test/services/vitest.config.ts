import { defineConfig } from 'vitest/config';
import { LongestFirst } from '../../scripts/vitest-order.ts';
import { SummaryReporter } from '../../scripts/vitest-summary.ts';

/** Tests against real servers: `npm run test:services [-- file…]`. */
export default defineConfig({
  test: {
    include: ['test/services/*.test.ts'],
    globalSetup: ['test/services/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new SummaryReporter()],
    // Reading extra certificates costs each process 40 ms, as much as Node itself; servers stand on this machine.
    env: { NODE_EXTRA_CA_CERTS: '' },
    maxWorkers: 4, // a test waits for servers much of its time
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
