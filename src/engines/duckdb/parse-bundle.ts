import { rm, writeFile } from 'node:fs/promises';
import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { ParseRequest } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { type BundlePart, type CsvBundle, isBundleable, writeBundle } from './csv-bundle.ts';
import { csvReading } from './parse-csv.ts';
import type { ParseSession, Split } from './parse-parts.ts';

/**
 * One `read_csv` over many small files put behind each other; undefined where they are better read as they are. What is rejected is
 * told in terms of the files themselves.
 */
export async function bundleSplit(session: ParseSession, request: ParseRequest): Promise<Split | undefined> {
  const { dialect } = request;
  if (dialect === undefined || !isBundleable(request)) return undefined;
  const bundle = await writeBundle(request, dialect, session.fresh('bundle'));
  if (bundle === undefined) return undefined;
  const header = request.header ?? request.columns.map((column) => column.name);
  const file = originName(header);
  const reading = csvReading(session, {
    ...request,
    files: [bundle.file],
    dialect: { ...dialect, has_header: false, skip_lines: 0 },
    first_record_line: 1,
    header: [file, ...header],
    columns: [...request.columns, { name: file, type: 'varchar', nullable: false }],
  });
  const values = reading.values.slice(0, -1);
  return {
    good: `select ${[...values, `${quoteIdent(file)} as ${quoteIdent(SOURCE_FILE_COLUMN)}`].join(', ')} from ${reading.from}`,
    rejected: reading.rejected,
    rejects: async () => await rejectsSql(bundle, `(${await reading.rejects()})`),
    cleanup: async () => {
      await rm(bundle.file.uri, { force: true });
      await rm(partsFile(bundle), { force: true });
      await reading.cleanup();
    },
  };
}

/** A name for the file's id that no column of the files has. */
function originName(header: readonly string[]): string {
  const taken = new Set(header.map((name) => name.toLowerCase()));
  let name = '__file';
  while (taken.has(name)) name += '_';
  return name;
}

function partsFile({ file }: CsvBundle): string {
  return `${file.uri}.parts`;
}

/** The parts as a file that the engine joins: there may be a hundred thousand of them. */
async function rejectsSql(bundle: CsvBundle, records: string): Promise<string> {
  await writeFile(
    partsFile(bundle),
    bundle.parts
      .filter((part) => part.lines > 0)
      .map((part) => JSON.stringify(part))
      .join('\n'),
    { mode: 0o600 },
  );
  const numbers: readonly (keyof BundlePart)[] = [
    'bundle_line',
    'bundle_offset',
    'file_line',
    'file_offset',
    'prefix_bytes',
    'prefix_chars',
    'line_end_bytes',
  ];
  const columns = [`id: 'varchar'`, ...numbers.map((name) => `${name}: 'bigint'`)].join(', ');
  const source = `read_json(${quoteText(partsFile(bundle))}, format='newline_delimited', columns={${columns}})`;
  // Each line before it in the same file is longer in the bundle by the prefix, and may have had a longer end in the file.
  return `select p.id as file, p.file_line + r.line - p.bundle_line as line,
      p.file_offset + r.byte_offset - p.bundle_offset - (r.line - p.bundle_line) * (p.prefix_bytes + 1 - p.line_end_bytes) as byte_offset,
      r.column_name, ${columnCounts('r.error')} as error, substr(r.raw, p.prefix_chars + 1) as raw
    from ${records} r asof join ${source} p on r.line >= p.bundle_line
    order by r.line`;
}

/** The engine counted one column more than the file has. */
function columnCounts(error: string): string {
  const less = (name: string): string => `(cast(regexp_extract(e, '${name}: (\\d+)', 1) as bigint) - 1)`;
  const piece = `case when regexp_matches(e, 'Expected Number of Columns: \\d+ Found: \\d+$')
    then regexp_extract(e, '^.*Expected Number of Columns: ') || ${less('Columns')} || ' Found: ' || ${less('Found')} else e end`;
  return `array_to_string(list_transform(string_split(${error}, '; '), lambda e: ${piece}), '; ')`;
}
