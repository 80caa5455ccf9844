import * as z from 'zod/mini';
import { parseDuration } from '../../kit/units.ts';

/** A limit in a rule: a number, or text for dates, exact decimals and the like. */
export const bound = z
  .union([
    z.number(),
    z.string().check(
      z.minLength(1),
      z.maxLength(100),
      z.refine((text) => !text.includes('\0'), 'a value cannot contain NUL'),
    ),
  ])
  .check(z.meta({ description: 'A number, or text such as `2026-01-31`.' }));
export type Bound = z.output<typeof bound>;

/** A duration such as `2d`, kept as text in the configuration; see `durationMs`. */
export const duration = z.string().check(
  z.refine((text) => parseDuration(text) !== undefined, 'expected a duration such as 30s, 5m, 12h, 2d'),
  z.meta({ description: 'A duration: a number and ms, s, m, h, d or w.', samples: ['2d', '12h'] }),
);

/** At least one of the options must be there, else the check checks nothing. */
export function anyOf(...names: readonly string[]): (value: object) => boolean {
  return (value) => names.some((name) => name in value);
}
