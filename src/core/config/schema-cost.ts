import * as z from 'zod/mini';
import { parseDuration, parseSize } from '../../kit/units.ts';
import type { BudgetSpec, PriceSpec } from '../model/receipt.ts';

const amount = (text: string, sample: number) =>
  z.optional(z.number().check(z.gte(0), z.lte(1e12), z.meta({ description: text, samples: [sample] })));

/** A size with its unit, as bytes. */
export const sizeText = z.pipe(
  z
    .string()
    .check(z.refine((text) => parseSize(text) !== undefined, 'write it as a number with a unit, such as 4GB or 512MB')),
  z.transform((text): number => parseSize(text) ?? 0),
);

/** A duration with its unit, as milliseconds. */
export const durationText = z.pipe(
  z
    .string()
    .check(
      z.refine((text) => parseDuration(text) !== undefined, 'write it as a number with a unit, such as 90s or 10m'),
    ),
  z.transform((text): number => parseDuration(text) ?? 0),
);

/** `price:` */
export function priceSchema(): z.ZodMiniType<PriceSpec | undefined> {
  const price = z.strictObject({
    cpu_hour: amount('Price of one hour of CPU time.', 0.05),
    gb_hour: amount('Price of one GB of peak memory for one hour of the run.', 0.005),
    machine_hour: amount('Price of one hour of the run, whatever it uses: that of a rented machine.', 0.4),
    currency: z._default(
      z
        .string()
        .check(z.regex(/^[A-Z]{3}$/, 'three capital letters, such as EUR'), z.meta({ description: 'Its code.' })),
      'EUR',
    ),
  });
  return z.optional(price).check(
    z.meta({
      description: 'What computing costs you; each run then says what it cost. Without it no money is shown.',
      samples: [{ cpu_hour: 0.05, gb_hour: 0.005, currency: 'EUR' }],
    }),
  ) as unknown as z.ZodMiniType<PriceSpec | undefined>;
}

/** `budget:`; durations and sizes become numbers. */
export function budgetSchema(): z.ZodMiniType<BudgetSpec | undefined> {
  const shape = z.strictObject({
    rows: amount('Rows that come in.', 50_000_000),
    bytes: z.optional(sizeText.check(z.meta({ description: 'Bytes that come in.', samples: ['20GB'] }))),
    wall: z.optional(durationText.check(z.meta({ description: 'Time that the run takes.', samples: ['10m'] }))),
    cpu_seconds: amount('CPU time of the run, in seconds.', 3600),
    memory: z.optional(sizeText.check(z.meta({ description: 'Peak memory of the process.', samples: ['8GB'] }))),
    money: amount('What the run costs, by `price`.', 0.5),
    on_exceed: z._default(
      z.enum(['fail', 'warn']).check(
        z.meta({
          description:
            '`fail`: a run that is estimated to need more does not begin, and one that comes to need more stops; what was published stays. `warn`: it is only said.',
        }),
      ),
      'fail',
    ),
  });
  const budget = z.pipe(
    shape,
    z.transform(
      ({ wall, memory, ...rest }): BudgetSpec => ({
        ...rest,
        ...(wall === undefined ? {} : { wall_ms: wall }),
        ...(memory === undefined ? {} : { memory_bytes: memory }),
      }),
    ),
  );
  return z.optional(budget).check(
    z.meta({
      description: 'What one run may use.',
      samples: [{ bytes: '20GB', wall: '10m', money: 0.5, on_exceed: 'fail' }],
    }),
  ) as unknown as z.ZodMiniType<BudgetSpec | undefined>;
}
