import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inspector } from './inspect.ts';
import { readPageHeader } from './page-header.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-pages-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PYTHON = process.env['DATAFLOW_PYTHON'];
if (PYTHON === undefined)
  console.log('skipped checksums of pages: DATAFLOW_PYTHON is not set, and pyarrow writes the files');

/** A file of several columns, row groups and pages, with checksums. */
const WRITE = `
import sys, pyarrow as pa, pyarrow.parquet as pq
table = pa.table({"i": list(range(500)), "s": [f"text {i % 7}" for i in range(500)]})
pq.write_table(table, sys.argv[1], row_group_size=200, data_page_size=256, write_page_checksum=True, compression="zstd")
`;

const OPTIONS = {
  encoding: 'auto',
  quote: '"',
  has_header: true,
  skip_lines: 0,
  max_expanded_bytes: 1e9,
  max_ratio: 1e3,
  max_line_bytes: 1e6,
} as const;

async function problemOf(bytes: Uint8Array): Promise<string | undefined> {
  const path = join(root, 'x.parquet');
  writeFileSync(path, bytes);
  const unit = {
    path: 'x.parquet',
    uri: path,
    size_bytes: statSync(path).size,
    mtime_ns: '0',
    inode: '0',
    format: 'parquet',
    compression: 'none',
  } as const;
  const { problem } = await inspector.inspect({ unit, temp_folder: root, options: OPTIONS });
  return problem?.reason;
}

describe.skipIf(PYTHON === undefined)('checksums of pages', () => {
  it('a sound file passes, and flipped bytes of pages are found', async () => {
    const path = join(root, 'sound.parquet');
    expect(spawnSync(PYTHON ?? '', ['-c', WRITE, path], { encoding: 'utf8' })).toMatchObject({ status: 0 });
    const sound = readFileSync(path);
    expect(await problemOf(sound)).toBeUndefined();
    const footer = sound.length - 8 - sound.readUInt32LE(sound.length - 8);
    let found = 0;
    let looked = 0;
    for (let at = 4; at < footer; at += 7) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      looked += 1;
      if ((await problemOf(bytes)) !== undefined) found += 1;
    }
    // What is left are bytes of page headers that say nothing about the values, such as statistics.
    expect(found / looked).toBeGreaterThan(0.6);
  });
});

/** Columns that have a value in every row and others, flat and nested, of every width. */
const WRITE_REQUIRED = `
import decimal, sys, pyarrow as pa, pyarrow.parquet as pq
f = lambda name, type, null=False: pa.field(name, type, nullable=null)
schema = pa.schema([
  f("i", pa.int64()), f("j", pa.int32()), f("d", pa.float64()), f("x", pa.decimal128(12, 2)), f("b", pa.bool_()), f("s", pa.string()),
  f("o", pa.int64(), True), f("t", pa.struct([f("a", pa.int64()), f("b", pa.int32(), True)])), f("l", pa.list_(f("element", pa.int64())), True),
])
rows = [{"i": n, "j": n, "d": n / 2, "x": decimal.Decimal(n) / 4, "b": n % 2 == 0, "s": str(n), "o": None if n % 3 else n,
  "t": {"a": n, "b": None}, "l": None if n % 5 else list(range(n % 4))} for n in range(300)]
pq.write_table(pa.Table.from_pylist(rows, schema), sys.argv[1], row_group_size=120, data_page_size=256, use_dictionary=False,
  data_page_version=sys.argv[2], compression=sys.argv[3])
`;

describe.skipIf(PYTHON === undefined)('columns of the footer and their pages', () => {
  it.each([
    ['1.0', 'none'],
    ['1.0', 'zstd'],
    ['2.0', 'snappy'],
  ])('sound files pass, and a flag or a name that was flipped is found (pages %s, %s)', async (version, codec) => {
    const path = join(root, `required-${version}-${codec}.parquet`);
    expect(spawnSync(PYTHON ?? '', ['-c', WRITE_REQUIRED, path, version, codec], { encoding: 'utf8' })).toMatchObject({
      status: 0,
    });
    const sound = readFileSync(path);
    expect(await problemOf(sound)).toBeUndefined();
    const footer = sound.length - 8 - sound.readUInt32LE(sound.length - 8);
    // The schema's element of column o: type 2 (INT64), repetition 1 (OPTIONAL), a name of one byte.
    const element = sound.indexOf(Buffer.from([0x15, 0x04, 0x25, 0x02, 0x18, 0x01, 0x6f]), footer);
    expect(element).toBeGreaterThan(footer);
    const required = Buffer.from(sound);
    required[element + 3] = 0;
    expect(await problemOf(required)).toMatch(/a page of o in row group 0 is not as long as its \d+ values/);
    // Whatever a damaged footer says, the inspection comes to an end with an answer.
    for (let at = footer; at < sound.length - 8; at += 5) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      await problemOf(bytes);
    }
    const retyped = Buffer.from(sound);
    retyped[element + 2] = 0x24;
    expect(await problemOf(retyped)).toMatch(/fields of other types than Parquet has/);
    const renamed = Buffer.from(sound);
    renamed[element + 6] = 0x6e;
    expect(await problemOf(renamed)).toMatch(/has a column o where the schema has n/);
  });
});

it('a header that makes no sense is none', () => {
  expect(readPageHeader(Buffer.from([]))).toBeUndefined();
  expect(readPageHeader(Buffer.from([0x15, 0x00]))).toBeUndefined();
  expect(readPageHeader(Buffer.alloc(100, 0xff))).toBeUndefined();
  // type 2 (a dictionary), uncompressed 10, compressed 9, end
  expect(readPageHeader(Buffer.from([0x15, 0x04, 0x15, 0x14, 0x15, 0x12, 0x00]))).toEqual({
    header_bytes: 7,
    compressed_bytes: 9,
    expanded_bytes: 10,
    values: 0,
    crc: undefined,
  });
});
