import { configDefaults, defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/vitest-order.ts';
import { propertySeed } from './scripts/vitest-seed.ts';
import { SummaryReporter } from './scripts/vitest-summary.ts';

// Reading it costs each process 40 ms, as much as Node itself; tests start thousands, and none asks a far server.
delete process.env['NODE_EXTRA_CA_CERTS'];
const seed = propertySeed();
if (seed !== undefined) console.log(`property tests: DATAFLOW_PROPERTY_SEED=${seed}`);

export default defineConfig({
  test: {
    setupFiles: ['scripts/vitest-set-seed.ts'],
    env: seed === undefined ? {} : { DATAFLOW_PROPERTY_SEED: seed },
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/services/*.test.ts'], // real servers: npm run test:services
    reporters: ['default', new SummaryReporter()],
    // On two cores: a black-box test waits for disks and processes a third of its time; with 3 workers a sixth of both cores had nothing to do.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
