import * as z from 'zod/mini';

const describe = (description: string) => z.meta({ description });
const whole = (min: number, max: number) => z.int().check(z.minimum(min), z.maximum(max));
const DAY_MS = 86_400_000;

/** `retry:` When to try again, and how long to wait. */
export const retrySchema = z.strictObject({
  attempts: z._default(whole(1, 100).check(describe('Attempts per request, the first one included.')), 6),
  base_ms: z._default(
    whole(1, 3_600_000).check(describe('Bound of the first random wait between two attempts; it doubles each time.')),
    500,
  ),
  max_ms: z._default(whole(1, DAY_MS).check(describe('Highest bound of such a wait.')), 60_000),
  max_wait_ms: z._default(
    whole(0, 30 * DAY_MS).check(
      describe(
        'The longest wait that `Retry-After` may ask for. A longer one ends the run with status 5 at once; it is never cut short.',
      ),
    ),
    900_000,
  ),
  budget_ms: z._default(
    whole(0, 30 * DAY_MS).check(describe('All waits of one pull together; beyond it the pull ends with status 5.')),
    3_600_000,
  ),
});

/** `timeouts:` How long to wait for one request. */
export const timeoutsSchema = z.strictObject({
  connect_ms: z._default(whole(1, 600_000).check(describe('Until the connection stands, TLS included.')), 10_000),
  head_ms: z._default(whole(1, 3_600_000).check(describe('Until the answer’s head is there.')), 60_000),
  idle_ms: z._default(whole(1, 3_600_000).check(describe('Between two pieces of the body.')), 30_000),
  total_ms: z._default(
    whole(1, DAY_MS).check(describe('For one request from beginning to end, however it drips.')),
    300_000,
  ),
});
