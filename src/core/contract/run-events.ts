import { z } from 'zod';
import { problem, count as rows, time } from './event-parts.ts';

/**
 * The events of `run --format ndjson`, one object a line. The schemas make the reference and its JSON Schema and are held against what runs print; runs themselves
 * use the types alone. Members are only ever added.
 */

const head = {
  time,
  run_id: z
    .string()
    .nullable()
    .meta({ description: 'Null before the run has one, and where there was nothing to do.' }),
};

const step = z.string().meta({ description: 'The table that is made: `silver.achats`.' });

export const RUN_EVENTS = {
  run_started: z
    .strictObject({ event: z.literal('run_started'), ...head, command: z.string(), steps: z.array(step) })
    .meta({ description: 'The run is entered into the ledger. `steps`: all that were selected.' }),
  step_started: z
    .strictObject({
      event: z.literal('step_started'),
      ...head,
      step,
      mode: z.enum(['full', 'incremental']),
      reason: z.string(),
    })
    .meta({ description: 'A step begins. Steps that are up to date do not begin.' }),
  step_progress: z
    .strictObject({
      event: z.literal('step_progress'),
      ...head,
      step,
      elapsed_ms: z.number().int(),
      doing: z.enum(['inspecting', 'pulling', 'reading', 'computing', 'writing']),
      rows: rows.meta({ description: 'Looked at, landed or written so far; rows are written in groups of 122,880.' }),
      rows_per_second: rows.meta({ description: 'Over the last ten seconds.' }),
      bytes: rows.meta({ description: 'Looked at, landed or written so far.' }),
      percent: rows.meta({ description: 'Of what `percent_of` names.' }),
      percent_of: z.enum(['bytes', 'statement']).nullable().meta({
        description:
          'All bytes to inspect, or the engine’s own share of the statement at work; a step may have several.',
      }),
      left_ms: rows.meta({ description: 'A guess.' }),
      left_by: z
        .enum(['bytes', 'statement', 'last_success'])
        .nullable()
        .meta({ description: 'What the guess goes by: the rate so far, or what the step’s last success took.' }),
    })
    .meta({ description: 'About once a second of each step at work. Null: nobody knows.' }),
  step_repeated: z
    .strictObject({ event: z.literal('step_repeated'), ...head, step, reason: z.string(), plan: z.string() })
    .meta({ description: 'The engine ran out of memory or was lost; the step is done again in another way.' }),
  step_finished: z
    .strictObject({
      event: z.literal('step_finished'),
      ...head,
      step,
      status: z.enum(['succeeded', 'failed', 'skipped', 'up_to_date']),
      mode: z.enum(['full', 'incremental']).nullable(),
      reason: z.string(),
      version: rows.meta({ description: 'That was published; null when none was.' }),
      rows_in: rows,
      rows_out: rows,
      quarantined: rows,
      deduplicated: rows,
      filtered: rows,
      bytes_read: rows,
      bytes_written: rows,
      wall_ms: rows,
      tests: z.array(
        z.strictObject({
          test: z.string(),
          severity: z.enum(['fail', 'warn']),
          passed: z.boolean(),
          failures: z.number().int(),
          message: z.string(),
        }),
      ),
      error: problem,
    })
    .meta({
      description:
        'A step has ended, whether it did anything or not. `rows_in = rows_out + quarantined + deduplicated + filtered`.',
    }),
  notice: z
    .strictObject({ event: z.literal('notice'), ...head, message: z.string() })
    .meta({ description: 'Something to know.' }),
  warning: z
    .strictObject({ event: z.literal('warning'), ...head, message: z.string() })
    .meta({ description: 'Something that ought to be looked at.' }),
  estimate: z
    .strictObject({ event: z.literal('estimate'), ...head, step, message: z.string() })
    .meta({ description: 'What a step is expected to take.' }),
  run_finished: z
    .strictObject({
      event: z.literal('run_finished'),
      ...head,
      status: z.enum(['succeeded', 'partial', 'failed', 'interrupted', 'nothing_to_do']),
      exit_code: z.number().int(),
      release_id: z.string().nullable().meta({ description: 'Null when the run made none.' }),
      published: z.number().int(),
      unchanged: z.number().int(),
      up_to_date: z.number().int(),
      skipped: z.number().int(),
      failed: z.number().int(),
      rows_in: rows.meta({ description: 'That came in where the run began.' }),
      rows_out: rows.meta({ description: 'That it published, in all tables.' }),
      rows_quarantined: rows,
      refused_files: z.number().int(),
      wall_ms: z.number().int(),
      error: problem.meta({ description: 'What ended the run before its time, or kept it from beginning.' }),
    })
    .meta({ description: 'Always the last line, whatever happened.' }),
} as const;

/** One line. */
export type RunEventLine = z.infer<(typeof RUN_EVENTS)[keyof typeof RUN_EVENTS]>;
