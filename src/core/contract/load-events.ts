import { z } from 'zod';
import { count, finish, problem, progress, time } from './event-parts.ts';

/** The events of `load --format ndjson`, as those of runs are told. Members are only ever added. */

const head = {
  time,
  run_id: z
    .string()
    .nullable()
    .meta({ description: 'Of the load; null before it has one, and where nothing is entered.' }),
};

const load = z.string().meta({ description: 'Its name in `loads:`.' });

export const LOAD_EVENTS = {
  load_started: z
    .strictObject({ event: z.literal('load_started'), ...head, load, command: z.string(), dry_run: z.boolean() })
    .meta({ description: 'A load begins; several follow one another.' }),
  load_progress: z
    .strictObject({
      event: z.literal('load_progress'),
      ...head,
      load,
      table: z.string().meta({ description: 'The table at work: `gold.kpi`.' }),
      rows: count.meta({ description: 'Of this table that went out, roughly.' }),
      ...progress,
    })
    .meta({ description: 'At most once a second while rows go out.' }),
  table_finished: z
    .strictObject({
      event: z.literal('table_finished'),
      ...head,
      load,
      table: z.string(),
      name: z.string().meta({ description: 'At the destination.' }),
      mode: z.enum(['replace', 'upsert', 'append']),
      action: z.enum(['none', 'record', 'changes', 'whole']).meta({
        description:
          '`none`: it held the version. `record`: only that is noted. `changes`, `whole`: which rows went out.',
      }),
      reason: z.string(),
      version_from: count.meta({ description: 'Null: the destination held none.' }),
      version_to: z.number().int(),
      inserts: z.number().int(),
      updates: z.number().int(),
      deletes: z.number().int(),
      rows: z.number().int().meta({ description: 'At the destination afterwards.' }),
      refused: z.number().int().meta({ description: 'Rows that it could not hold.' }),
      wall_ms: z.number().int(),
    })
    .meta({ description: 'A table is committed there; with `--dry-run`, what would be.' }),
  notice: z
    .strictObject({ event: z.literal('notice'), ...head, message: z.string() })
    .meta({ description: 'Something to know.' }),
  load_finished: z
    .strictObject({
      event: z.literal('load_finished'),
      ...head,
      load,
      status: z.enum(['loaded', 'up_to_date', 'planned', 'failed']),
      place: z.string().nullable(),
      release_id: z.string().nullable(),
      inserts: z.number().int(),
      updates: z.number().int(),
      deletes: z.number().int(),
      refused: z.number().int(),
      attempts: count,
      refresh_ms: count.meta({ description: 'From the moment when the release was made to the end of the load.' }),
      wall_ms: z.number().int(),
      error: problem,
    })
    .meta({ description: 'A load has ended. `planned`: with `--dry-run`.' }),
  loads_finished: z
    .strictObject({
      event: z.literal('loads_finished'),
      ...head,
      status: z.enum(['succeeded', 'partial', 'failed', 'interrupted', 'nothing_to_do']),
      loaded: z.number().int(),
      up_to_date: z.number().int(),
      planned: z.number().int(),
      failed: z.number().int(),
      ...finish,
    })
    .meta({ description: 'Always the last line, whatever happened.' }),
} as const;

/** One line. */
export type LoadEventLine = z.infer<(typeof LOAD_EVENTS)[keyof typeof LOAD_EVENTS]>;
