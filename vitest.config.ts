import { configDefaults, defineConfig } from 'vitest/config';
import { SummaryReporter } from './scripts/vitest-summary.ts';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/services/*.test.ts'], // real servers: npm run test:services
    reporters: ['default', new SummaryReporter()],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
