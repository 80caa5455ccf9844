import * as z from 'zod/mini';
import { settleField } from '../../core/config/fields.ts';

const GLOB_CHARS_MAX = 4096;

const glob = z.string().check(
  z.minLength(1),
  z.maxLength(GLOB_CHARS_MAX),
  z.refine((text) => !text.includes('\0'), 'a path cannot contain NUL'),
);
const globs = z.union([glob, z.array(glob).check(z.minLength(1), z.maxLength(1000))]);

/** One printable ASCII character or a tab; `tab` and `\t` are other ways to write the latter. */
const character = (what: string) =>
  z.pipe(
    z
      .string()
      .check(
        z.refine(
          (text) => text === '' || text === 'tab' || text === '\\t' || /^[\t\x20-\x7e]$/.test(text),
          `the ${what} is one ASCII character`,
        ),
      ),
    z.transform((text): string => (text === 'tab' || text === '\\t' ? '\t' : text)),
  );

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const count = (max: number) => z.int().check(z.minimum(0), z.maximum(max));
const position = z.int().check(z.minimum(1), z.maximum(1_000_000));
const size = z.int().check(z.minimum(1), z.maximum(Number.MAX_SAFE_INTEGER));

/** Options of `type: files`. */
export const schema = z
  .strictObject({
    path: globs.check(
      describe(
        'Which files: a path or glob from the project folder, or a list of them. Braces and `**` work.',
        'inbox/**/*.{csv,csv.gz}',
      ),
    ),
    exclude: z.optional(globs.check(describe('Which of them not: a glob or a list.', ['**/old/**']))),
    members: z.optional(
      globs.check(
        describe(
          'Archives (.zip .tar .tar.gz .tgz): which of their members are read, a glob or a list; without it those whose names tell a format, or all when `format` is set.',
          '**/*.csv',
        ),
      ),
    ),
    format: z.optional(
      z
        .enum(['csv', 'json', 'ndjson', 'parquet', 'xlsx', 'fixed', 'xml', 'avro'])
        .check(
          describe(
            'The format; without it the file extension decides (.csv .tsv .txt .json .ndjson .jsonl .parquet .xlsx .xml .avro).',
          ),
        ),
    ),
    compression: z._default(
      z
        .enum(['auto', 'none', 'gzip', 'zstd'])
        .check(describe('The compression; `auto` goes by the extension (.gz .zst).')),
      'auto',
    ),
    encoding: z._default(
      z
        .enum(['auto', 'utf-8', 'utf-16', 'latin-1', 'windows-1252'])
        .check(describe('The character encoding; `auto` = a byte order mark decides, else UTF-8.')),
      'auto',
    ),
    delimiter: z.optional(
      character('delimiter').check(
        z.refine((text) => text !== '', 'the delimiter is one ASCII character'),
        describe('CSV: what separates fields; without it , ; tab and | are tried.', ';'),
      ),
    ),
    quote: z._default(character('quote').check(describe('CSV: what encloses a field; empty for nothing.')), '"'),
    escape: z.optional(
      character('escape').check(
        describe('CSV: what makes a quote inside a quoted field literal; by default the quote itself.'),
      ),
    ),
    header: z._default(z.boolean().check(describe('CSV, xlsx: whether the first line (row) names the columns.')), true),
    skip_lines: z._default(
      count(10_000).check(describe('CSV, xlsx, fixed: lines (rows) before the header that are not data.')),
      0,
    ),
    sheet: z.optional(
      z
        .union([z.string().check(z.minLength(1), z.maxLength(255)), z.int().check(z.minimum(1), z.maximum(10_000))])
        .check(describe('xlsx: the sheet by its name, or by its number from 1; without it the first.', 'Sales')),
    ),
    fields: z.optional(
      z
        .record(
          z.string().check(z.minLength(1), z.maxLength(255)),
          z.tuple([position, position]).check(describe('First character, from 1, and number of characters.')),
        )
        .check(
          z.refine((fields) => Object.keys(fields).length > 0, 'name at least one field'),
          describe('fixed: where the fields stand in a line, each as [first character from 1, number of characters].', {
            id: [1, 8],
            name: [9, 30],
          }),
        ),
    ),
    record: z.optional(
      z
        .string()
        .check(
          z.regex(/^[^\s/]+(\/[^\s/]+)*$/, 'a path of element names with / between them'),
          z.maxLength(1000),
          describe('xml: path of the elements that are records, from the outermost element.', 'orders/order'),
        ),
    ),
    null_values: z.optional(
      z
        .array(z.string().check(z.maxLength(1000)))
        .check(
          z.maxLength(100),
          describe('CSV, xlsx, fixed: texts that mean NULL, beside the empty one.', ['NA', '\\N']),
        ),
    ),
    in_place: z.optional(
      z
        .string()
        .check(
          z.maxLength(4096),
          z.regex(
            /^(hdfs|s3a|abfss|gs):\/\/[^\s?#]+$/,
            'expected an address as in hdfs://namenode:8020 or s3a://bucket',
          ),
          describe(
            "Parquet behind a `connection`, tables computed on Spark: executors read the files where they are, none is brought here. What the cluster calls the connection's beginning. Without effect where tables are computed on this machine.",
            'hdfs://namenode:8020',
            's3a://bucket',
          ),
        ),
    ),
    settle_seconds: settleField(2),
    max_file_bytes: z._default(
      size.check(describe('A larger file, or member of an archive, is refused.')),
      100_000_000_000,
    ),
    max_expanded_bytes: z._default(
      size.check(
        describe(
          'A file that is larger than this after decompression is quarantined; of an archive all members together.',
        ),
      ),
      1_000_000_000_000,
    ),
    max_ratio: z._default(
      z
        .number()
        .check(
          z.minimum(1),
          z.maximum(1_000_000),
          describe(
            'A file or archive that grows by more than this factor and beyond 100 MB when it is decompressed is quarantined.',
          ),
        ),
      200,
    ),
    max_line_bytes: z._default(
      size.check(describe('A file with a longer line (JSON: record) is quarantined.')),
      16 * 1024 * 1024,
    ),
  })
  .check(
    z.refine(
      (options) => options.quote === '' || options.quote !== options.delimiter,
      'delimiter and quote are the same',
    ),
    z.refine(
      (options) => options.escape === undefined || options.escape !== options.delimiter,
      'delimiter and escape are the same',
    ),
    z.refine((options) => (options.format === 'fixed') === (options.fields !== undefined), {
      message: 'fields: goes with format: fixed, and with no other',
      path: ['fields'],
    }),
    z.refine((options) => options.in_place === undefined || options.format === 'parquet', {
      message: 'in_place: goes with format: parquet; other formats are read on this machine',
      path: ['in_place'],
    }),
    z.refine((options) => options.format !== 'xml' || options.record !== undefined, {
      message: 'format: xml needs record:, the path of the elements that are records',
      path: ['record'],
    }),
  );

export type FilesOptions = z.output<typeof schema>;

/** The same for files of a format that is not named here but by another kind of source. */
export type FoundOptions = Omit<FilesOptions, 'format'> & { readonly format?: FilesOptions['format'] | 'document' };

/** Globs as a list. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
