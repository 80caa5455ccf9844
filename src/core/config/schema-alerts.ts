import * as z from 'zod/mini';
import { ALERT_KINDS, type AlertSpec } from '../model/monitor.ts';
import { durationText } from './schema-cost.ts';
import { postHeaders, postUrl } from './schema-monitor.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

/** One entry of `alerts:`, as it is written. */
export function alertSchema() {
  return z.strictObject({
    when: z.enum(ALERT_KINDS).check(meta('What is told of, once an incident, and again when it is over.')),
    tables: z
      ._default(
        z.array(
          z.string().check(z.regex(/^(\*|(bronze|silver|gold)\.[A-Za-z0-9_*]{1,80})$/, 'expected gold.x, gold.* or *')),
        ),
        ['*'],
      )
      .check(meta('Tables that it is about, or patterns of their names.', ['gold.*'])),
    after: z
      .optional(durationText)
      .check(
        meta(
          'How old a table may get, or how long a destination may be behind. Without it the test named `freshness` decides; 1h for destinations.',
          '26h',
        ),
      ),
    post: z.optional(postUrl('Address that the message is posted to, as JSON.', 'https://hooks.example.com/alerts')),
    headers: postHeaders,
    shape: z
      ._default(z.enum(['generic', 'slack']), 'generic')
      .check(meta('How the message is written: with all its parts, or as one text for Slack and what speaks like it.')),
    command: z
      .optional(z.array(z.string().check(z.minLength(1), z.maxLength(4096))).check(z.minLength(1), z.maxLength(100)))
      .check(
        meta('Program and arguments to run instead, without a shell; it reads the message as JSON.', ['./page.sh']),
      ),
  });
}

/** `alerts:` */
export function alertsSchema(): z.ZodMiniType<readonly AlertSpec[]> {
  const one = alertSchema().check(
    z.refine(
      ({ post, command }) => (post === undefined) !== (command === undefined),
      'expected post: or command:, one of them',
    ),
  );
  const entry = z.pipe(
    one,
    z.transform(({ after, ...rest }): AlertSpec => ({ ...rest, after_ms: after })),
  );
  const schema = z
    ._default(z.array(entry).check(z.maxLength(100)), [])
    .check(meta('Who is told when runs fail, tables get stale, quarantine grows or destinations stay behind.'));
  return schema as unknown as z.ZodMiniType<readonly AlertSpec[]>;
}
