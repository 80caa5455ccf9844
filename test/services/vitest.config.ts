import { defineConfig } from 'vitest/config';
import { SummaryReporter } from '../../scripts/vitest-summary.ts';

/** Tests against real servers: `npm run test:services [-- file…]`. */
export default defineConfig({
  test: {
    include: ['test/services/*.test.ts'],
    globalSetup: ['test/services/global-setup.ts'],
    reporters: ['default', new SummaryReporter()],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
