import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectOptions } from '../core/ports/format.ts';
import type { InputUnit, Inspection } from '../core/ports/source.ts';
import { inspectors } from './inspectors.ts';
import { gunzip } from './stream/gzip.ts';
import { unzstd } from './stream/zstd.ts';
import { ZSTD_SAMPLE, ZSTD_SAMPLE_RECORDS } from './zstd-sample.fixture.ts';

const OPTIONS: InspectOptions = {
  encoding: 'auto',
  quote: '"',
  has_header: true,
  skip_lines: 0,
  max_expanded_bytes: 1e9,
  max_ratio: 200,
  max_line_bytes: 1e6,
};

let folder: string;
let parquet: Buffer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
  const engine = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const path = join(folder, 'x.parquet');
  await engine.run(
    `copy (select range as i, 'n' || range as s from range(5000)) to '${path}' (format parquet, row_group_size 2048)`,
  );
  engine.closeSync();
  parquet = readFileSync(path);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Kind = Pick<InputUnit, 'format' | 'compression'>;
const KINDS: Readonly<Record<string, Kind>> = {
  csv: { format: 'csv', compression: 'none' },
  'csv.gz': { format: 'csv', compression: 'gzip' },
  'csv.zst': { format: 'csv', compression: 'zstd' },
  json: { format: 'json', compression: 'none' },
  ndjson: { format: 'ndjson', compression: 'none' },
  parquet: { format: 'parquet', compression: 'none' },
};

async function inspect(
  extension: string,
  content: string | Buffer,
  options: Partial<InspectOptions> = {},
): Promise<Inspection> {
  const uri = join(folder, `case.${extension}`);
  writeFileSync(uri, content);
  const kind = KINDS[extension] ?? { format: 'csv', compression: 'none' };
  const unit = { path: `case.${extension}`, uri, size_bytes: statSync(uri).size, mtime_ns: '0', inode: '0', ...kind };
  return inspectors[unit.format].inspect({ unit, temp_folder: folder, options: { ...OPTIONS, ...options } });
}

/** A gzip member with any header flags (RFC 1952). */
function member(text: string, flags = 0): Buffer {
  const data = Buffer.from(text);
  const parts = [Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255])];
  if ((flags & 4) !== 0) parts.push(Buffer.from([4, 0, 1, 2, 3, 4]));
  if ((flags & 8) !== 0) parts.push(Buffer.from('name\0'));
  if ((flags & 16) !== 0) parts.push(Buffer.from('comment\0'));
  if ((flags & 2) !== 0) {
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE(crc32(Buffer.concat(parts)) & 0xffff);
    parts.push(sum);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(data));
  trailer.writeUInt32LE(data.length, 4);
  return Buffer.concat([...parts, deflateRawSync(data), trailer]);
}

const CSV = 'a,b\n1,2\n3,4\n';
const GZ = gzipSync(CSV);
const SKIPPABLE = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] ?? 0) ^ 0x10;
  return copy;
};
const utf16be = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le').swap16();

interface Good {
  readonly records: number;
  readonly copy?: string;
  readonly header?: readonly string[];
  readonly line?: number;
  readonly note?: RegExp;
}

/** Fault number, name, extension, content, and either the rule of the problem or what is found. */
const CASES: readonly [number, string, string, string | Buffer, string | Good, Partial<InspectOptions>?][] = [
  [25, 'gzip', 'csv.gz', GZ, { records: 2 }],
  [25, 'gzip of two members', 'csv.gz', Buffer.concat([GZ, gzipSync('5,6\n')]), { records: 3, note: /2 gzip members/ }],
  [
    25,
    'gzip of 40 members',
    'csv.gz',
    Buffer.concat([GZ, ...Array.from({ length: 39 }, () => member('5,6\n'))]),
    { records: 41 },
  ],
  [25, 'gzip with extra field and name', 'csv.gz', member(CSV, 12), { records: 2 }],
  [25, 'gzip header flags that the engine refuses', 'csv.gz', member(CSV, 31), { records: 2, copy: CSV }],
  [25, 'gzip without its trailer', 'csv.gz', GZ.subarray(0, -8), 'damaged_gzip'],
  [25, 'gzip with half a trailer', 'csv.gz', GZ.subarray(0, -3), 'damaged_gzip'],
  [25, 'gzip cut in the data', 'csv.gz', GZ.subarray(0, 15), 'damaged_gzip'],
  [25, 'gzip cut in the header', 'csv.gz', GZ.subarray(0, 5), 'damaged_gzip'],
  [25, 'gzip with a wrong checksum', 'csv.gz', flipped(GZ, -7), 'damaged_gzip'],
  [25, 'gzip with a wrong length', 'csv.gz', flipped(GZ, -2), 'damaged_gzip'],
  [25, 'gzip with a wrong header checksum', 'csv.gz', flipped(member(CSV, 2), 10), 'damaged_gzip'],
  [25, 'gzip and garbage', 'csv.gz', Buffer.concat([GZ, Buffer.from('garbage')]), 'trailing_garbage'],
  [25, 'gzip and zeros', 'csv.gz', Buffer.concat([GZ, Buffer.alloc(512)]), 'trailing_garbage'],
  [25, 'second member damaged', 'csv.gz', Buffer.concat([GZ, flipped(gzipSync('5,6\n'), -7)]), 'damaged_gzip'],
  [25, 'plain text named .gz', 'csv.gz', 'a,b,c,d,e,f\n1,2\n', 'wrong_compression'],
  [25, 'a few bytes of text named .gz', 'csv.gz', 'a,b\n1,2', 'wrong_compression'],
  [25, 'gzip named .csv', 'csv', GZ, 'wrong_format'],
  [25, 'empty .gz', 'csv.gz', '', 'empty_file'],
  [25, 'gzip of nothing', 'csv.gz', gzipSync(''), 'empty_file'],
  [25, 'zstd', 'csv.zst', ZSTD_SAMPLE, { records: ZSTD_SAMPLE_RECORDS }],
  [
    25,
    'zstd of two frames and skippable ones',
    'csv.zst',
    Buffer.concat([SKIPPABLE, ZSTD_SAMPLE, SKIPPABLE, ZSTD_SAMPLE]),
    { records: 2 * ZSTD_SAMPLE_RECORDS + 1 },
  ],
  [25, 'zstd without its checksum', 'csv.zst', ZSTD_SAMPLE.subarray(0, -4), 'damaged_zstd'],
  [25, 'zstd with a wrong checksum', 'csv.zst', flipped(ZSTD_SAMPLE, -1), 'damaged_zstd'],
  [25, 'zstd cut', 'csv.zst', ZSTD_SAMPLE.subarray(0, 200), 'damaged_zstd'],
  [25, 'zstd and garbage', 'csv.zst', Buffer.concat([ZSTD_SAMPLE, Buffer.from('garbage')]), 'trailing_garbage'],
  [25, 'zstd and two bytes', 'csv.zst', Buffer.concat([ZSTD_SAMPLE, Buffer.from('ab')]), 'trailing_garbage'],
  [
    25,
    'a zstd window of 2 GB',
    'csv.zst',
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0]),
    'expansion_limit',
  ],
  [25, 'plain text named .zst', 'csv.zst', CSV, 'wrong_compression'],
  [26, 'Parquet named .csv', 'csv', Buffer.concat([Buffer.from('PAR1'), Buffer.from([0x15, 4, 0x15])]), 'wrong_format'],
  [26, 'CSV named .parquet', 'parquet', CSV, 'wrong_format'],
  [26, 'an empty Parquet file', 'parquet', '', 'empty_file'],
  [27, 'byte order mark', 'csv', '\ufeffa,b\n1,2\n', { records: 1, header: ['a', 'b'], note: /byte order mark/ }],
  [
    27,
    'UTF-16 LE',
    'csv',
    Buffer.from('\ufeffa,é\n1,œ😀\n', 'utf16le'),
    { records: 1, header: ['a', 'é'], copy: 'a,é\n1,œ😀\n' },
  ],
  [27, 'UTF-16 BE', 'csv', utf16be('a,é\n1,œ\n'), { records: 1, copy: 'a,é\n1,œ\n' }],
  [
    27,
    'UTF-16 with half a character',
    'csv',
    Buffer.concat([Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), Buffer.from([0])]),
    'invalid_encoding',
  ],
  [27, 'UTF-16 unmarked and undeclared', 'csv', Buffer.from('a,b\n1,2\n', 'utf16le'), 'nul_bytes'],
  [
    27,
    'UTF-16 unmarked but declared',
    'csv',
    Buffer.from('a,b\n1,2\n', 'utf16le'),
    { records: 1, copy: 'a,b\n1,2\n' },
    { encoding: 'utf-16' },
  ],
  [
    27,
    'latin-1',
    'csv',
    Buffer.from('a,é\n1,\x80ÿ\n', 'latin1'),
    { records: 1, copy: 'a,é\n1,\u0080ÿ\n' },
    { encoding: 'latin-1' },
  ],
  [
    27,
    'windows-1252',
    'csv',
    Buffer.from('a,b\n1,\x80\x9c\x81é\n', 'latin1'),
    { records: 1, copy: 'a,b\n1,€œ\u0081é\n' },
    { encoding: 'windows-1252' },
  ],
  [
    27,
    'one line that is not UTF-8',
    'csv',
    Buffer.from('a,b\n1,x\n2,\xe9\n3,y\n', 'latin1'),
    { records: 3, note: /1 lines are not UTF-8, the first at byte 10/ },
  ],
  [27, 'most lines not UTF-8', 'csv', Buffer.from('a,b\n1,\xe9\n2,\xe9\n3,y\n', 'latin1'), 'invalid_encoding'],
  [27, 'a header that is not UTF-8', 'csv', Buffer.from('a,\xe9\n1,2\n', 'latin1'), 'invalid_encoding'],
  [27, 'mixed line ends', 'csv', 'a,b\r\n1,2\n3,"x\r\ny"\r5,6\n', { records: 3, copy: 'a,b\n1,2\n3,"x\r\ny"\n5,6\n' }],
  [27, 'lone CR', 'csv', 'a,b\r1,2\r3,4\r', { records: 2 }],
  [27, 'no final newline', 'csv', 'a,b\n1,2\n3,4', { records: 2, note: /no final newline/ }],
  [27, 'empty file', 'csv', '', 'empty_file'],
  [27, 'blanks only', 'csv', ' \n\n', 'empty_file'],
  [27, 'header only', 'csv', 'a,b\n', { records: 0, header: ['a', 'b'] }],
  [27, 'duplicate header', 'csv', 'a,A\n1,2\n', 'bad_header'],
  [27, 'blank header', 'csv', 'a,,c\n1,2,3\n', 'bad_header'],
  [
    27,
    'spaces and quotes in the header',
    'csv',
    '"a b", c ,"d ""e"""\n1,2,3\n',
    { records: 1, header: ['a b', 'c', 'd "e"'] },
  ],
  [27, 'preamble', 'csv', 'Report "of\n\na,b\n1,2\n', { records: 1, line: 4 }, { skip_lines: 1 }],
  [27, 'nothing after the preamble', 'csv', 'x\ny\n', 'empty_file', { skip_lines: 5 }],
  [27, 'blank lines before the header', 'csv', '\n\na,b\n1,2\n', { records: 1, header: ['a', 'b'], line: 4 }],
  [28, 'unclosed quote', 'csv', 'a,b\n1,2\n3,"x\n5,6\n', 'unclosed_quote'],
  [28, 'unclosed quote in the header', 'csv', 'a,"b\n1,2\n', 'unclosed_quote'],
  [28, 'embedded newlines', 'csv', 'a,b\n1,"x\n\ny"\n2,z\n', { records: 2 }],
  [28, 'ragged rows are records', 'csv', 'a,b\n1\n1,2,3\n4,5\n', { records: 3 }],
  [28, 'a NUL', 'csv', 'a,b\n1,2\n3,\0\n', 'nul_bytes'],
  [28, 'a tail of zeros', 'csv', Buffer.concat([Buffer.from(CSV), Buffer.alloc(5_000_000)]), 'nul_bytes'],
  [28, 'a field of 3 MB', 'csv', `a,b\n1,${'x'.repeat(3e6)}\n`, { records: 1 }, { max_line_bytes: 16e6 }],
  [28, 'a line over the limit', 'csv', `a,b\n1,${'x'.repeat(3e6)}\n`, 'record_too_long'],
  [28, 'a small limit on lines', 'csv', 'a,b\n1,2\n3,45678901234\n', 'record_too_long', { max_line_bytes: 10 }],
  [30, 'array', 'json', '[{"a":1},\n{"a":[2,{"b":null}]}]\n', { records: 2 }],
  [30, 'one object', 'json', '{"a":1}', { records: 1 }],
  [30, 'empty array', 'json', '[]', { records: 0 }],
  [30, 'array cut after an element', 'json', '[{"a":1},{"a":2}', 'damaged_json'],
  [30, 'array cut in a string', 'json', '[{"a":"x', 'damaged_json'],
  [30, 'trailing comma', 'json', '[{"a":1},]', 'damaged_json'],
  [30, 'trailing comma in an object', 'json', '[{"a":1,}]', 'damaged_json'],
  [30, 'missing comma', 'json', '[{"a":1}{"a":2}]', 'damaged_json'],
  [30, 'wrong bracket', 'json', '[{"a":1]]', 'damaged_json'],
  [30, 'something after the end', 'json', '[{"a":1}]x', 'damaged_json'],
  [30, 'NDJSON named .json', 'json', '{"a":1}\n{"a":2}\n', 'several_documents'],
  [30, 'a scalar', 'json', '42', 'not_records'],
  [30, 'scalars in an array', 'json', '[{"a":1},2]', 'not_records'],
  [30, '100,000 brackets', 'json', '['.repeat(100_000), 'not_records'],
  [30, '100,000 nested objects', 'json', '[{"a":'.repeat(100_000), 'too_deep'],
  [30, 'raw newline in a string', 'json', '[{"a":"x\ny"}]', 'damaged_json'],
  [30, 'bad escape', 'json', '[{"a":"\\x"}]', 'damaged_json'],
  [30, 'surrogate pairs', 'json', '[{"a":"\\ud83d\\ude00\\uD83D\\uDE00\\u00e9"}]', { records: 1 }],
  [30, 'lone high surrogate', 'json', '[{"a":"\\ud800"}]', 'damaged_json'],
  [30, 'lone low surrogate', 'json', '[{"a":"\\ude00"}]', 'damaged_json'],
  [30, 'two high surrogates', 'json', '[{"a":"\\ud83d\\ud83d"}]', 'damaged_json'],
  [30, 'high surrogate and a newline escape', 'json', '[{"a":"\\ud83d\\n"}]', 'damaged_json'],
  [30, 'huge integer', 'json', '[{"a":123456789012345678901234567890}]', { records: 1 }],
  [30, 'leading zero', 'json', '[{"a":01}]', 'damaged_json'],
  [30, 'NaN', 'json', '[{"a":NaN}]', 'damaged_json'],
  [30, 'blanks only', 'json', ' \n', 'empty_file'],
  [30, 'byte order mark', 'json', '\ufeff[{"a":1}]', { records: 1, copy: '[{"a":1}]' }],
  [30, 'invalid UTF-8', 'json', Buffer.from('[{"a":"\xe9"}]', 'latin1'), 'invalid_encoding'],
  [30, 'an element over the limit', 'json', `[{"a":"${'x'.repeat(2e6)}"}]`, 'record_too_long'],
  [30, 'lines', 'ndjson', '{"a":1}\n\n  \n{"a":2}\n', { records: 2, note: /2 blank lines/ }],
  [30, 'lines with CR LF', 'ndjson', '{"a":1}\r\n\r\n{"a":2}\r\n', { records: 2 }],
  [30, 'lines with mixed ends', 'ndjson', '{"a":1}\r\n{"a":2}\n', { records: 2, copy: '{"a":1}\n{"a":2}\n' }],
  [30, 'partial last line is a record to reject', 'ndjson', '{"a":1}\n{"a":', { records: 2 }],
  [30, 'nothing but one broken line', 'ndjson', '\n{"a":1,"b', 'damaged_json'],
  [30, 'nothing but one good line', 'ndjson', '{"a":1}', { records: 1 }],
  [30, 'deep nesting in a line', 'ndjson', `{"a":1}\n${'['.repeat(100_000)}\n`, { records: 2 }],
  [30, 'empty', 'ndjson', '', 'empty_file'],
  [34, 'a bomb', 'csv.gz', gzipSync(Buffer.alloc(150e6, 'a,b\n')), 'expansion_limit', { max_line_bytes: 1e9 }],
  [
    34,
    'expansion over the absolute limit',
    'csv.gz',
    gzipSync('a,b\n'.repeat(1e5)),
    'expansion_limit',
    { max_expanded_bytes: 1e5 },
  ],
  [34, 'gzip in gzip', 'csv.gz', gzipSync(GZ), 'nested_archive'],
  [34, 'zip named .csv', 'csv', Buffer.from('PK\x03\x04xxxx'), 'wrong_format'],
];

describe('inspection', () => {
  it.each(CASES)('fault %i: %s (.%s)', async (_fault, _name, extension, content, expected, options) => {
    const found = await inspect(extension, content, options);
    if (typeof expected === 'string') {
      expect(found.problem?.rule).toBe(expected);
      expect(found.problem?.reason).toMatch(/\w/);
      return;
    }
    expect(found.problem).toBeUndefined();
    expect(found.records).toBe(expected.records);
    if (expected.header !== undefined) expect(found.header).toEqual(expected.header);
    if (expected.line !== undefined) expect(found.first_record_line).toBe(expected.line);
    if (expected.note !== undefined) expect(found.notes.join('; ')).toMatch(expected.note);
    const copy = found.decoded_uri === undefined ? undefined : readFileSync(found.decoded_uri, 'utf8');
    expect(copy).toBe(expected.copy);
  });

  it('fault 28: names the line where a quote was opened', async () => {
    expect((await inspect('csv', 'a,b\n1,"x\ny"\n2,"z\n3,4\n')).problem).toMatchObject({ line: 4, byte_offset: 14 });
  });

  it('fault 28: names the line of the first NUL', async () => {
    expect((await inspect('csv', 'a,b\n1,"x\ny"\n2,\0\n')).problem).toMatchObject({ line: 4, byte_offset: 14 });
  });

  it('hashes the file as it lies on disk, whatever it holds', async () => {
    const { createHash } = await import('node:crypto');
    for (const [extension, content] of [
      ['csv.gz', GZ.subarray(0, 15)],
      ['csv', Buffer.from('\ufeffa\n1\n', 'utf16le')],
    ] as const) {
      expect((await inspect(extension, content)).sha256).toBe(createHash('sha256').update(content).digest('hex'));
    }
  });

  it.each([
    ['a;b\n1,5;2\n3,5;4\n', ';'],
    ['a\tb,c\n1\t2\n', '\t'],
    ['a|b\n1|2\n', '|'],
    ['"a;b;c",d\n"x;y",2\n', ','],
    ['a\n1,2\n', ','],
  ])('sniffs the delimiter of %j', async (text, delimiter) => {
    expect((await inspect('csv', text)).dialect?.delimiter).toBe(delimiter);
  });

  it('keeps the pinned dialect in a tie, and says when the file has another', async () => {
    const uri = join(folder, 'pin.csv');
    const pinned = { delimiter: ';', quote: '"', escape: '"', has_header: true, skip_lines: 0 };
    const look = (text: string) => {
      writeFileSync(uri, text);
      const unit = {
        path: 'pin.csv',
        uri,
        size_bytes: 9,
        mtime_ns: '0',
        inode: '0',
        format: 'csv',
        compression: 'none',
      } as const;
      return inspectors.csv.inspect({ unit, temp_folder: folder, options: OPTIONS, pinned });
    };
    expect((await look('a,x;b,y\n1,2;3,4\n')).dialect?.delimiter).toBe(';');
    expect((await look('a,b\n1,2\n')).notes).toContain('dialect changed: delimiter is "," here, ";" before');
  });
});

describe('fault 26: Parquet', () => {
  it('counts rows from the footer', async () => {
    expect(await inspect('parquet', parquet)).toMatchObject({ records: 5000 });
  });

  it('notices every cut', async () => {
    const whole = join(folder, 'cut.parquet');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: parquet.length - 1 }), async (size) => {
        writeFileSync(whole, parquet);
        truncateSync(whole, size);
        expect((await inspect('parquet', readFileSync(whole))).problem).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });

  it('survives any damage of the footer, and never counts more rows than groups hold', async () => {
    const footer = parquet.readUInt32LE(parquet.length - 8);
    const places = fc.integer({ min: parquet.length - 8 - footer, max: parquet.length - 1 });
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const copy = Buffer.from(parquet);
        copy[at] = (copy[at] ?? 0) ^ mask;
        const found = await inspect('parquet', copy);
        expect(found.problem !== undefined || found.records === 5000).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('fault 25: random damage never passes for other content', () => {
  const rows = Array.from({ length: 300 }, (_, i) => `${i},name ${i % 7},${(i * 37) % 101}`).join('\n');
  const gz = gzipSync(`id,n,x\n${rows}\n`, { level: 9 });
  const json = JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ id: i, s: `x"${i}`, t: [i, null] })));

  it.each([
    ['csv.gz', gz],
    ['csv.zst', ZSTD_SAMPLE],
    ['json', Buffer.from(json)],
  ])('%s, cut anywhere', async (extension, whole) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (size) => {
        expect((await inspect(extension, whole.subarray(0, size))).problem).toBeDefined();
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['csv.gz', gz, 300],
    ['csv.zst', ZSTD_SAMPLE, ZSTD_SAMPLE_RECORDS],
  ])('%s, any bit flipped', async (extension, whole, records) => {
    const good = await expanded(extension, whole);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length * 8 - 1 }), async (bit) => {
        const copy = Buffer.from(whole);
        copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const found = await inspect(extension, copy);
        if (found.problem !== undefined) return;
        // Some bits mean nothing for the content (a time in a header), others only name another way to it.
        expect(found.records).toBe(records);
        expect((await expanded(extension, copy)).equals(good)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('JSON, any byte changed: the grammar check agrees with JSON.parse', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: json.length - 1 }),
        fc.integer({ min: 0x20, max: 0x7e }),
        async (at, byte) => {
          const copy = Buffer.from(json);
          copy[at] = byte;
          const found = await inspect('json', copy);
          const parsed = parseOrUndefined(copy.toString());
          const records =
            Array.isArray(parsed) &&
            parsed.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
          expect(found.problem === undefined).toBe(records);
          if (records) expect(found.records).toBe(parsed.length);
        },
      ),
      { numRuns: 400 },
    );
  });
});

async function expanded(extension: string, bytes: Buffer): Promise<Buffer> {
  let left: Buffer | undefined = bytes;
  const pull = (): Buffer | undefined => {
    const all = left;
    left = undefined;
    return all;
  };
  const chunks =
    extension === 'csv.gz'
      ? gunzip(pull, { members: 0, unusual: false })
      : unzstd(pull, { frames: 0, unchecked: false });
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
