import { z } from 'zod';
import { count, finish, problem, progress, time } from './event-parts.ts';

/** The events of `sync --format ndjson`, as those of runs are told. Members are only ever added. */

const head = { time };

const mirror = z.string().meta({ description: 'Its name in `mirrors:`.' });

export const SYNC_EVENTS = {
  sync_started: z
    .strictObject({ event: z.literal('sync_started'), ...head, mirror, command: z.string(), dry_run: z.boolean() })
    .meta({ description: 'A mirror is compared, then brought up to date; several follow one another.' }),
  sync_progress: z
    .strictObject({
      event: z.literal('sync_progress'),
      ...head,
      mirror,
      doing: z.enum(['comparing', 'putting', 'reading back', 'fetching']),
      files: z.number().int(),
      files_total: z.number().int(),
      bytes: z.number().int(),
      bytes_total: z.number().int(),
      ...progress,
    })
    .meta({ description: 'At most once a second, and when it turns to something else.' }),
  file_planned: z
    .strictObject({
      event: z.literal('file_planned'),
      ...head,
      mirror,
      mark: z.string().meta({
        description: '`+` goes there, `*` goes there again, `-` is only there, `!` was changed by others.',
      }),
      table: z.string().nullable(),
      path: z.string(),
      size_bytes: z.number().int(),
      why: z.string(),
    })
    .meta({ description: 'With `--dry-run`: one file that differs.' }),
  notice: z
    .strictObject({ event: z.literal('notice'), ...head, message: z.string() })
    .meta({ description: 'Something to know.' }),
  sync_finished: z
    .strictObject({
      event: z.literal('sync_finished'),
      ...head,
      mirror,
      status: z.enum(['synced', 'partial', 'up_to_date', 'planned', 'failed']),
      place: z.string().nullable(),
      release_id: z.string().nullable(),
      tables: z.number().int(),
      files_equal: z.number().int(),
      files_put: z.number().int(),
      bytes_put: z.number().int(),
      bytes_resumed: z.number().int().meta({ description: 'Of `bytes_put`, there from an earlier attempt.' }),
      files_removed: z.number().int(),
      files_there: count.meta({ description: 'Counted after the last write.' }),
      bytes_there: count,
      left: z
        .array(z.strictObject({ table: z.string(), path: z.string(), code: z.string(), why: z.string() }))
        .meta({ description: 'Tables that were left as they are there.' }),
      wall_ms: z.number().int(),
      error: problem,
    })
    .meta({ description: 'A mirror has ended. `planned`: with `--dry-run`.' }),
  syncs_finished: z
    .strictObject({
      event: z.literal('syncs_finished'),
      ...head,
      status: z.enum(['succeeded', 'partial', 'failed', 'interrupted', 'nothing_to_do']),
      synced: z.number().int(),
      up_to_date: z.number().int(),
      planned: z.number().int(),
      failed: z.number().int(),
      ...finish,
    })
    .meta({ description: 'Always the last line, whatever happened.' }),
} as const;

/** One line. */
export type SyncEventLine = z.infer<(typeof SYNC_EVENTS)[keyof typeof SYNC_EVENTS]>;
