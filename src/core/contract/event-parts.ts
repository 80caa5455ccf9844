import { z } from 'zod';

/** What events of several commands have alike. */

export const time = z.string().meta({ description: 'When it happened, UTC.' });

/** A whole number, or null where nobody knows it. */
export const count = z.number().int().nullable();

export const problem = z
  .strictObject({
    code: z.string().meta({ description: 'Of the catalogue: `E_TESTS_FAILED`.' }),
    message: z.string(),
    kept: z.string().nullable(),
    next: z.string().nullable().meta({ description: 'What to do.' }),
  })
  .nullable();

/** How far something is. */
export const progress = {
  elapsed_ms: z.number().int(),
  percent: count.meta({ description: 'Of all that goes out.' }),
  left_ms: count.meta({ description: 'A guess, by the rate so far.' }),
};

/** The last line of a command that serves several destinations. */
export const finish = {
  exit_code: z.number().int(),
  wall_ms: z.number().int(),
  error: problem.meta({ description: 'What the command ends with; of several, the first one.' }),
};
