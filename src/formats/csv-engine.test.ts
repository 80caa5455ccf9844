import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectOptions, InspectRequest } from '../core/ports/format.ts';
import type { Inspection } from '../core/ports/source.ts';
import { quoteText } from '../kit/sql.ts';
import { inspector } from './csv/inspect.ts';

/** More of them on demand, when the machine or the engine's version changes. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 150);

const OPTIONS: InspectOptions = {
  encoding: 'auto',
  delimiter: ',',
  quote: '"',
  has_header: true,
  skip_lines: 0,
  max_expanded_bytes: 1e9,
  max_ratio: 200,
  max_line_bytes: 1e6,
};

let folder: string;
let engine: DuckDBConnection;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
  engine = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});
afterAll(() => {
  engine.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

function request(path: string, options: Partial<InspectOptions>): InspectRequest {
  const unit = {
    path: 'x.csv',
    uri: path,
    size_bytes: 1,
    mtime_ns: '0',
    inode: '0',
    format: 'csv',
    compression: 'none',
  } as const;
  return { unit, temp_folder: folder, options: { ...OPTIONS, ...options } };
}

/**
 * Rows that the engine delivers plus records that it rejects, under the dialect that the inspection found. Undefined when a record has two
 * wrong quotes: there the engine (1.5.6) may count the record twice, so such a file goes to quarantine by the row balance.
 */
async function engineCount(path: string, columns: number, found: Inspection): Promise<number | undefined> {
  const { dialect } = found;
  if (dialect === undefined) throw new Error('no dialect');
  const names = Array.from({ length: columns }, (_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const escaping = dialect.escape === '' ? '' : `, escape=${quoteText(dialect.escape)}`;
  await engine.run('drop table if exists reject_errors; drop table if exists reject_scans');
  const rows = await engine.runAndReadAll(
    `select count(*) from read_csv(${quoteText(found.decoded_uri ?? path)}, auto_detect=false, columns={${names}}, delim=${quoteText(dialect.delimiter)},
     quote=${quoteText(dialect.quote)}${escaping}, header=${dialect.has_header}, skip=${dialect.skip_lines}, store_rejects=true, strict_mode=true)`,
  );
  const twice = await engine.runAndReadAll(
    `select line from reject_errors where error_type = 'UNQUOTED VALUE' group by line having count(*) > 1`,
  );
  if (twice.currentRowCount > 0) return undefined;
  const rejected = await engine.runAndReadAll('select count(distinct line) from reject_errors');
  return Number(rows.getRows()[0]?.[0]) + Number(rejected.getRows()[0]?.[0]);
}

async function compare(content: string | Buffer, options: Partial<InspectOptions> = {}): Promise<Inspection> {
  const path = join(folder, 'x.csv');
  writeFileSync(path, content);
  const found = await inspector.inspect(request(path, options));
  if (found.problem === undefined) {
    const columns = found.header?.length ?? 2;
    const theirs = await engineCount(path, columns, found);
    if (theirs !== undefined) expect(found.records).toBe(theirs);
  }
  return found;
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', '1', ',', '\n', 'xy', 'é') },
  { weight: 3, arbitrary: fc.constantFrom('"', '""', '","', ' ', '"x\ny"') },
  { weight: 1, arbitrary: fc.constantFrom('\t', ';', '  ', '\n\n', '\\') },
);
const body = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''));

describe('fault 28: our record count is the engine’s', () => {
  it.each([
    ['two columns', 'a,b\n', {}],
    ['one column', 'a\n', {}],
    ['three columns, quotes in the header', '"a","b ""x""",c\n', {}],
    ['no header', '1,2\n', { has_header: false }],
    ['a preamble', 'some "text\nmore\na,b\n', { skip_lines: 2 }],
    ['no quote', 'a,b\n', { quote: '' }],
    ['backslash escapes', 'a,b\n', { escape: '\\' }],
    ['semicolons', 'a;b\n', { delimiter: ';' }],
  ])('%s', async (_name, head, options) => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('\n', '\r\n'), async (text, end) => {
        const found = await compare((head + text).replaceAll('\n', end), options);
        if (found.problem === undefined) compared += 1;
      }),
      { numRuns: RUNS },
    );
    expect(compared).toBeGreaterThan(30);
  });

  it('whatever mix of line ends', async () => {
    const mixed = fc.array(fc.oneof(piece, fc.constantFrom('\r', '\r\n', '\n', 'a,b')), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(mixed, async (parts) => {
        await compare(`a,b\n${parts.join('')}`);
      }),
      { numRuns: 2 * RUNS },
    );
  });

  it('a field of 3 MB, beyond what the engine takes by default', async () => {
    await compare(`a,b\n1,x\n2,${'y'.repeat(3e6)}\n3,z\n`, { max_line_bytes: 16e6 });
  });

  it('across the borders of the pieces that are read', async () => {
    const line = fc.constantFrom(
      '1,abcdefgh\n',
      '2,"x,y\nz"\n',
      '3\n',
      '\n',
      '4,plain text that is longer\n',
      '5,"q""q"\n',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 5, maxLength: 30 }),
        fc.integer({ min: 0, max: 70_000 }),
        async (lines, pad) => {
          const filler = `0,${'f'.repeat(pad % 97)}\n`;
          await compare(`a,b\n${filler.repeat(Math.ceil(pad / filler.length))}${lines.join('').repeat(200)}`);
        },
      ),
      { numRuns: 40 },
    );
  });
});
