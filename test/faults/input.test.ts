import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectDone, type InputLine, newPlace, type Outcome, type Place, type Row } from '../support/fault-project.ts';

/**
 * Cases 25, 27, 28 and 30: every kind of bad file is one source of one project, so that one run of the binary meets them all. Rows in =
 * rows out + quarantined is held for each. The finer distinctions have their unit tests in `src/formats`.
 */
interface FileCase {
  readonly number: number;
  readonly name: string;
  readonly ending: string;
  readonly content: string | Uint8Array;
  /** Rows as published, `a|b` each. */
  readonly rows: readonly string[];
  /** Rejected records: their lines, in order. */
  readonly lines?: readonly number[];
  /** The whole file is refused, for this reason. */
  readonly refused?: RegExp;
  readonly options?: string;
}

const GZ = gzipSync('a,b\n1,x\n2,y\n');
const crc = Buffer.from(GZ);
crc.writeUInt32LE(0xdeadbeef, crc.length - 8);
const big = 'x'.repeat(3_000_000);
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function csv(number: number, name: string, content: string | Uint8Array, expected: Partial<FileCase>): FileCase {
  return { rows: [], ending: 'csv', ...expected, number, name, content };
}

const CASES: readonly FileCase[] = [
  csv(25, 'sound gzip', GZ, { ending: 'csv.gz', rows: ['1|x', '2|y'] }),
  csv(25, 'gzip of two members', Buffer.concat([GZ, gzipSync('3,z\n')]), {
    ending: 'csv.gz',
    rows: ['1|x', '2|y', '3|z'],
  }),
  csv(25, 'gzip cut', GZ.subarray(0, -6), { ending: 'csv.gz', refused: /cut off/ }),
  csv(25, 'gzip with another checksum', crc, { ending: 'csv.gz', refused: /CRC-32/ }),
  csv(25, 'gzip and garbage', Buffer.concat([GZ, Buffer.from('oops')]), { ending: 'csv.gz', refused: /./ }),
  csv(25, 'text named .gz', 'a,b\n1,x\n', { ending: 'csv.gz', refused: /gzip/ }),
  csv(25, 'text named .zst', 'a,b\n1,x\n', { ending: 'csv.zst', refused: /zstd/ }),
  csv(25, 'gzip named .csv', GZ, { refused: /./ }),
  csv(27, 'byte order mark', '\ufeffa,b\n1,é\n', { rows: ['1|é'] }),
  csv(27, 'UTF-16 with a mark', Buffer.from('\ufeffa,b\n1,é\n', 'utf16le'), { rows: ['1|é'] }),
  csv(27, 'latin-1 declared', latin1('a,b\n1,é\n'), { rows: ['1|é'], options: 'encoding: latin-1' }),
  csv(27, 'latin-1 in one line of many', latin1('a,b\n1,x\n2,\xe9\n3,y\n4,z\n5,z\n6,z\n'), {
    rows: ['1|x', '3|y', '4|z', '5|z', '6|z'],
    lines: [3],
  }),
  csv(
    27,
    'a wrong byte behind a column that is left out',
    latin1('a,more,b\n1,m,x\n2,m,\xc3\n3,m,z\n4,\xc3,w\n5,m,v\n'),
    {
      rows: ['1|x', '3|z', '5|v'],
      lines: [3, 5],
      options: 'schema_change: discard_value',
    },
  ),
  csv(
    27,
    'a wrong byte, a value that does not fit, a record of two lines',
    latin1('a,b\n1,"x\ny"\n2.5,y\n3,\xc3\n4,z\n5,w\n'),
    {
      rows: ['1|x\ny', '4|z', '5|w'],
      lines: [4, 5],
    },
  ),
  csv(27, 'CR LF', 'a,b\r\n1,x\r\n2,y\r\n', { rows: ['1|x', '2|y'] }),
  csv(27, 'CR alone', 'a,b\r1,x\r2,y\r', { rows: ['1|x', '2|y'] }),
  csv(27, 'mixed line ends', 'a,b\r\n1,x\n2,y\r3,z\n', { rows: ['1|x', '2|y', '3|z'] }),
  csv(27, 'no final newline', 'a,b\n1,x\n2,y', { rows: ['1|x', '2|y'] }),
  csv(27, 'empty file', '', { refused: /empty|nothing/i }),
  csv(27, 'header only', 'a,b\n', { rows: [] }),
  csv(27, 'duplicate header', 'a,A,b\n1,2,x\n', { refused: /one name in SQL/ }),
  csv(27, 'blank header', 'a,b,\n1,x,2\n', { refused: /header|column|name/i }),
  csv(27, 'columns in another order', 'b,a\nx,1\n', { rows: ['1|x'] }),
  csv(27, 'a column is missing', 'a\n1\n', { refused: /lacks b/ }),
  csv(27, 'preamble declared', 'Report\n\na,b\n1,x\n', { rows: ['1|x'], options: 'skip_lines: 2' }),
  csv(27, 'preamble undeclared', 'Report of today\n\na,b\n1,x\n', { refused: /lacks/ }),
  csv(27, 'total row at the end', 'a,b\n1,x\n2,y\nTotal,2\n', { rows: ['1|x', '2|y'], lines: [4] }),
  csv(28, 'ragged rows', 'a,b\n1,x\n2\n3,y,z\n4,w\n', { rows: ['1|x', '4|w'], lines: [3, 4] }),
  csv(28, 'empty fields behind the last column', 'a,b\n1,x,\n2,y,""\n3,z,,\n4,w, \n', {
    rows: ['1|x', '3|z'],
    lines: [3, 5],
  }),
  csv(28, 'unclosed quote', 'a,b\n1,x\n2,"y\n3,z\n', { refused: /quote/ }),
  csv(28, 'quote inside a field', 'a,b\n1,x\n2,5" disk\n3,"he said ""no"""\n', {
    rows: ['1|x', '2|5" disk', '3|he said "no"'],
  }),
  csv(28, 'newline in a field', 'a,b\n1,"x\ny"\nbad,"p\nq"\n3,z\n', { rows: ['1|x\ny', '3|z'], lines: [4] }),
  csv(28, 'NUL', 'a,b\n1,x\n2,\0\n', { refused: /NUL/ }),
  csv(28, 'field of 3 MB', `a,b\n1,${big}\n2,y\n`, { rows: [`1|${big}`, '2|y'] }),
  csv(28, 'line over the limit', `a,b\n1,x\n2,${'y'.repeat(2000)}\n`, {
    refused: /1000|long/,
    options: 'max_line_bytes: 1000',
  }),
  csv(30, 'array', '[{"a":1,"b":"x"},{"b":"y","a":2}]', { ending: 'json', rows: ['1|x', '2|y'] }),
  csv(30, 'array cut after an element', '[{"a":1,"b":"x"},{"a":2,"b":"y"}', { ending: 'json', refused: /./ }),
  csv(30, 'trailing comma', '[{"a":1,"b":"x"},]', { ending: 'json', refused: /./ }),
  csv(30, 'duplicate keys', '[{"a":1,"b":"x","a":2},{"a":2,"b":"y"}]', { ending: 'json', rows: ['2|y'], lines: [1] }),
  csv(30, 'duplicate keys in a line, in two spellings', '{"a":1,"b":"x"}\n{"a":2,"b":"y","\\u0061":3}\n', {
    ending: 'ndjson',
    rows: ['1|x'],
    lines: [2],
  }),
  csv(30, 'duplicate keys deeper down stay as they are', '{"a":1,"b":{"x":1,"x":2}}\n', {
    ending: 'ndjson',
    rows: ['1|{"x":1,"x":2}'],
  }),
  csv(30, '100,000 brackets', '['.repeat(100_000), { ending: 'json', refused: /./ }),
  csv(30, 'integer beyond 2^63', '[{"a":9223372036854775808,"b":"x"},{"a":9223372036854775807,"b":"y"}]', {
    ending: 'json',
    rows: ['9223372036854775807|y'],
    lines: [1],
  }),
  csv(30, 'lone surrogate', '[{"a":1,"b":"\\ud800"},{"a":2,"b":"y"}]', { ending: 'json', refused: /surrogate/ }),
  csv(30, 'lone surrogate in a line', '{"a":1,"b":"\\ud800"}\n{"a":2,"b":"\\ud83d\\ude00"}\n', {
    ending: 'ndjson',
    rows: ['2|😀'],
    lines: [1],
  }),
  csv(
    30,
    'a byte that is not UTF-8 in one line of many',
    latin1('{"a":1,"b":"x"}\n{"a":2,"b":"\xe9"}\n{"a":3,"b":"z"}\n'),
    {
      ending: 'ndjson',
      rows: ['1|x', '3|z'],
      lines: [2],
    },
  ),
  csv(30, 'blank and partial lines', '{"a":1,"b":"x"}\n\n{"a":2,"b":"y"}\n{"a":3,"b', {
    ending: 'ndjson',
    rows: ['1|x', '2|y'],
    lines: [4],
  }),
  csv(30, 'deep nesting in a line', `{"a":1,"b":"x"}\n${'['.repeat(100_000)}\n{"a":2,"b":"y"}\n`, {
    ending: 'ndjson',
    rows: ['1|x', '2|y'],
    lines: [2],
  }),
];

const source = (index: number): string => `s${index + 1}`;
const declared = (one: FileCase, index: number): string =>
  `  ${source(index)}: { type: files, path: "in/${source(index)}.*", settle_seconds: 0, columns: { a: bigint, b: varchar }${one.options === undefined ? '' : `, ${one.options}`} }`;

let place: Place;
let outcome: Outcome;
let published: ReadonlyMap<string, readonly string[]>;
let rejected: readonly Row[];
let inputs: ReadonlyMap<string, InputLine>;

beforeAll(() => {
  place = newPlace(`sources:\n${CASES.map(declared).join('\n')}\n`);
  place.put(Object.fromEntries(CASES.map((one, index) => [`in/${source(index)}.${one.ending}`, one.content])));
  outcome = place.dataflow(['run']);
  const status = place.status();
  inputs = new Map(place.inputs().map((input) => [input.source, input]));
  const tables = CASES.map((_, index) => source(index)).filter((name) => status.get(`bronze.${name}`)?.version != null);
  const rows = place.query(
    tables.map((name) => `select '${name}' as source, a || '|' || b as text from bronze.${name}`).join(' union all '),
  );
  published = grouped(rows);
  const aside = CASES.map((_, index) => source(index)).filter(
    (name) => (status.get(`bronze.${name}`)?.quarantined ?? 0) > 0,
  );
  rejected = place.query(
    `${aside.map((name) => `select '${name}' as source, line, reason, rule, raw from quarantine.bronze_${name}`).join(' union all ')} order by source, line`,
  );
}, 120_000);
afterAll(() => place.remove());

function grouped(rows: readonly Row[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const row of rows)
    found.set(String(row['source']), [...(found.get(String(row['source'])) ?? []), String(row['text'])]);
  return found;
}

it('case 28: refused files make the run end with 4, and a further run has nothing to do', () => {
  expect(outcome.status, outcome.stderr).toBe(4);
  const again = place.dataflow(['run']);
  expectDone(again);
  expect(again.stdout + again.stderr).toMatch(/nothing to do/);
});

it.each(CASES.map((one, index) => [one.number, one.name, one, source(index)] as const))(
  'case %i: %s',
  (_, __, one, name) => {
    const input = inputs.get(name);
    const aside = rejected.filter((row) => row['source'] === name);
    expect([...(published.get(name) ?? [])].sort()).toEqual([...one.rows].sort());
    if (one.refused !== undefined) {
      expect(input).toMatchObject({ status: 'quarantined', reason: expect.stringMatching(one.refused) });
      expect(aside).toHaveLength(1);
      expect(aside[0]?.['reason']).toMatch(one.refused);
      return;
    }
    const lines = one.lines ?? [];
    expect(aside.map((row) => row['line'])).toEqual(lines);
    for (const row of aside) expect(row['reason']).toMatch(/\w/);
    expect(input).toMatchObject({ status: 'loaded', records: one.rows.length + lines.length, rejected: lines.length });
  },
);
