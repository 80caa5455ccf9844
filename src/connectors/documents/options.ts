import * as z from 'zod/mini';
import { settleField } from '../../core/config/fields.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const glob = z.string().check(
  z.minLength(1),
  z.maxLength(4096),
  z.refine((text) => !text.includes('\0'), 'a path cannot contain NUL'),
);
const globs = z.union([glob, z.array(glob).check(z.minLength(1), z.maxLength(1000))]);
const whole = (min: number, max: number) => z.int().check(z.minimum(min), z.maximum(max));

const pattern = z.string().check(
  z.minLength(1),
  z.maxLength(2000),
  z.superRefine((text, context) => {
    try {
      new RegExp(text, 'mu');
    } catch (error) {
      const message = `not a regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`;
      context.addIssue({ code: 'custom', message, input: text });
    }
  }),
);

/** Columns that every record has. */
const OWN = ['page', 'pages', 'confidence', 'read_by', 'text', 'sha256'];

const fieldName = z
  .string()
  .check(z.regex(/^[A-Za-z_]\w{0,62}$/, 'a field name is letters, digits and _, at most 63, and starts with a letter'));

const fields = z
  .record(
    fieldName,
    z.union([
      pattern,
      z.strictObject({
        pattern: pattern.check(describe('The regular expression.')),
        required: z._default(z.boolean().check(describe('Whether a record without it goes to quarantine.')), true),
      }),
    ]),
  )
  .check(
    z.superRefine((map, context) => {
      const names = Object.keys(map);
      const taken = new Set([...OWN, ...names.map((name) => `${name}_confidence`)].map((name) => name.toLowerCase()));
      for (const name of names)
        if (
          taken.has(name.toLowerCase()) ||
          names.some((other) => other !== name && other.toLowerCase() === name.toLowerCase())
        )
          context.addIssue({
            code: 'custom',
            message: 'this name is that of another column',
            input: name,
            path: [name],
          });
    }),
    z.refine((map) => Object.keys(map).length <= 200, 'at most 200 fields'),
  );

/** Options of `type: documents`. */
export const schema = z.strictObject({
  path: globs.check(
    describe(
      'Which documents: a path or glob from the project folder, or a list of them.',
      'scans/*.{png,jpg,tif,pdf}',
    ),
  ),
  exclude: z.optional(globs.check(describe('Which of them not: a glob or a list.', ['**/old/**']))),
  languages: z._default(
    z.array(z.string().check(z.regex(/^[a-z]{3}(_[a-z]+)?$/, 'a language is three letters, such as fra'))).check(
      z.minLength(1),
      z.maxLength(8),
      z.refine((list) => new Set(list).size === list.length, 'a language occurs twice'),
      describe('Languages of the texts, the main one first: `[eng, fra]` garbles accents that `[fra, eng]` reads.', [
        'fra',
        'eng',
      ]),
    ),
    ['fra', 'eng'],
  ),
  fields: z._default(
    fields.check(
      describe(
        'Columns that patterns find in the text: name → regular expression (JavaScript, `^` and `$` at each line), whose first group is the value; or `{ pattern, required: false }`.',
        { total: 'TOTAL\\s+([0-9.,]+)', date: 'DATE\\s+(\\S+)' },
      ),
    ),
    {},
  ),
  min_confidence: z._default(
    z
      .number()
      .check(
        z.minimum(0),
        z.maximum(100),
        describe(
          'A record that was read with less confidence, or a field of it, goes to quarantine for a person to look at.',
          80,
        ),
      ),
    75,
  ),
  record: z._default(
    z
      .enum(['page', 'document'])
      .check(
        describe(
          'What becomes one record: each `page`, or the whole `document`, whose fields may stand on different pages.',
        ),
      ),
    'page',
  ),
  text_layer: z._default(
    z
      .enum(['use', 'ignore'])
      .check(
        describe(
          'Whether the text that a PDF page holds is taken over, with confidence 100, where the page is not a scanned picture.',
        ),
      ),
    'use',
  ),
  dpi: z._default(whole(100, 600).check(describe('Dots per inch that a scanned PDF page is drawn with.')), 300),
  settle_seconds: settleField(5),
  max_file_bytes: z._default(whole(1, 2_000_000_000).check(describe('A larger file is refused.')), 200_000_000),
  max_pages: z._default(whole(1, 100_000).check(describe('A document with more pages is quarantined.')), 500),
  max_pixels: z._default(
    whole(10_000, 1_000_000_000).check(
      describe('A document with a page of more pixels is quarantined: a small file may hold a huge picture.'),
    ),
    50_000_000,
  ),
  page_seconds_max: z._default(
    whole(1, 3600).check(describe('A document with a page that takes longer to read is quarantined.')),
    60,
  ),
});

export type DocumentsOptions = z.output<typeof schema>;
