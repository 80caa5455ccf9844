import * as z from 'zod/mini';
import { parseDuration } from '../../kit/units.ts';

const describe = (description: string, ...samples: unknown[]) =>
  z.meta({ description, ...(samples.length > 0 ? { samples } : {}) });
const text = z.string().check(z.minLength(1), z.maxLength(10_000));
/** A length of time such as `5m`. */
export const duration = z
  .string()
  .check(z.refine((value) => parseDuration(value) !== undefined, 'expected a duration such as 30s, 5m, 12h, 2d'));
/** Time windows and change filters: what of the source is asked for next. */
export const cursorSchema = z
  .strictObject({
    param: text.check(
      describe('Query parameter (POST with `pages.in: body`: member) that takes the beginning.', 'since', 'start_date'),
    ),
    until_param: z.optional(text.check(describe('Parameter that takes the end; only with `window`.', 'end_date'))),
    field: z.optional(
      text.check(
        describe(
          'Member of a record whose highest value is asked for next time. Either this or `window`.',
          'updated_at',
        ),
      ),
    ),
    window: z.optional(
      duration.check(
        describe(
          'Asks for one stretch of time after the other, each of this length, up to now. Either this or `field`.',
          '1d',
        ),
      ),
    ),
    start: z.optional(
      text.check(
        describe(
          'Where to begin; with `window` a date or an instant. Without it `field` begins with everything.',
          '2026-01-01',
        ),
      ),
    ),
    overlap: z._default(
      duration.check(
        describe(
          'How far before the last value to ask again, so that what came late is not missed. Records that were taken already are left out.',
          '5m',
        ),
      ),
      '0s',
    ),
    lag: z._default(
      duration.check(
        describe('With `window`: how long before now to stop, because the source is not complete yet.', '5d'),
      ),
      '0s',
    ),
    inclusive: z._default(
      z
        .boolean()
        .check(
          describe('With `window`: the end parameter names the last day or second inside, not the first outside.'),
        ),
      false,
    ),
    format: z._default(
      z
        .enum(['iso', 'date', 'unix', 'unix_ms'])
        .check(
          describe(
            'How instants are written in the parameters: `2026-01-31T00:00:00Z`, `2026-01-31`, seconds, milliseconds.',
          ),
        ),
      'iso',
    ),
  })
  .check(
    z.refine((one) => (one.field === undefined) !== (one.window === undefined), 'needs either field or window'),
    z.refine((one) => one.window === undefined || !Number.isNaN(Date.parse(one.start ?? '')), {
      message: 'with window, start must be a date or an instant',
      path: ['start'],
    }),
    z.refine((one) => one.until_param === undefined || one.window !== undefined, {
      message: 'needs window',
      path: ['until_param'],
    }),
    z.refine((one) => (parseDuration(one.window ?? '1s') ?? 0) > 0, {
      message: 'must be longer than nothing',
      path: ['window'],
    }),
  );
