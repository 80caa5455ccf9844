import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ContractKit, column } from './contract-kit.ts';

const ID = [column('id', 'bigint')];

/** One column of a type, one JSON value: what comes out, or that it is rejected. */
const VALUES: readonly (readonly [type: string, json: string, value: unknown])[] = [
  ['bigint', '9007199254740993', 9007199254740993n],
  ['bigint', '12.0', 12],
  ['bigint', '"12"', 12],
  ['bigint', '12.7', 'rejected'],
  ['bigint', '"12.7"', 'rejected'],
  ['bigint', '9223372036854775808', 'rejected'],
  ['bigint', 'true', 'rejected'],
  ['bigint', 'null', null],
  ['decimal(12,2)', '1.25', '1.25'],
  ['decimal(12,2)', '1.250', '1.25'],
  ['decimal(12,2)', '1.239', 'rejected'],
  ['decimal(12,2)', '99999999999.99', 'rejected'],
  ['decimal(38,2)', '12345678901234567.89', '12345678901234567.89'],
  ['date', '"2024-02-29"', '2024-02-29'],
  ['date', '"2023-02-29"', 'rejected'],
  ['date', '"2024-01-01 10:00"', 'rejected'],
  ['timestamptz', '"2024-01-01T10:00:00+02:00"', '2024-01-01T08:00:00Z'],
  ['double', '1e3', 1000],
  ['boolean', 'true', true],
  ['varchar', '"é😀 \\" \\u0000"', 'é😀 " \0'],
  ['varchar', '{"x":[1,2]}', '{"x":[1,2]}'],
  ['varchar', '7', '7'],
  ['varchar', '0.1234567890123456789', '0.1234567890123456789'],
  ['varchar', '-12345678901234567890.12345', '-12345678901234567890.12345'],
  ['varchar', '"0.1234567890123456789"', '0.1234567890123456789'],
  ['varchar', '"2024-01-01T10:00:00Z"', '2024-01-01T10:00:00Z'],
  ['struct("a" integer, "b" varchar)', '{"a":1,"b":"x"}', { a: 1, b: 'x' }],
  ['struct("a" integer, "b" varchar)', '{"b":"x"}', { a: null, b: 'x' }],
  ['struct("a" integer, "b" varchar)', '{"a":"q"}', 'rejected'],
  ['struct("a" integer, "b" varchar)', '5', 'rejected'],
  ['bigint[]', '[1,null,9007199254740993]', [1, null, 9007199254740993n]],
  ['bigint[]', '[1,2.5]', 'rejected'],
  ['bigint[]', '"no"', 'rejected'],
  ['struct("l" struct("d" date)[])', '{"l":[{"d":"2024-01-01"},{"d":"x"}]}', 'rejected'],
];

export function parsingRecordsContract(kit: ContractKit): void {
  describe('parsing ndjson', () => {
    brokenLines(kit);
    jsonValues(kit);
    manyFiles(kit);
    rejectsLimit(kit);
  });

  describe('parsing json', () => {
    documents(kit);
    badElements(kit);
    unreadableFile(kit);
  });

  describe('parsing parquet', () => {
    parquetCasts(kit);
    parquetTypes(kit);
  });
}

function brokenLines(kit: ContractKit): void {
  it('rejects lines that are no object, with the line as it stands in the file', async () => {
    const lines = [
      '',
      '{"id":1}',
      '',
      '  ',
      'not json',
      '[1]',
      '3',
      'x\u0001y',
      '{"id":2',
      '{"id":"é\\u0000"}',
      '{"id":3}\r',
      '{}',
    ];
    const out = await kit.parse({ format: 'ndjson', columns: ID }, lines.join('\n'));
    expect(out.good.map((row) => row['id'])).toEqual([1, 3, null]);
    expect(out.bad.map((row) => [row['line'], row['column_name'], row['raw']])).toEqual([
      [5, null, 'not json'],
      [6, null, '[1]'],
      [7, null, '3'],
      [8, null, 'x\u0001y'],
      [9, null, '{"id":2'],
      [10, 'id', '{"id":"é\\u0000"}'],
    ]);
    expect(out.per_file.get('in/a')).toEqual({ rows: 3, rejected: 6 });
  });
}

function jsonValues(kit: ContractKit): void {
  it.each(VALUES)('%s from %s', async (type, json, value) => {
    const out = await kit.parse(
      { format: 'ndjson', columns: [column('odd "name"', type)] },
      `{"odd \\"name\\"":${json}}\n`,
    );
    if (value === 'rejected') expect(out.bad).toMatchObject([{ column_name: 'odd "name"', line: 1 }]);
    else expect([out.bad, out.good]).toEqual([[], [{ 'odd "name"': value, _file: 'in/a' }]]);
  });
}

function manyFiles(kit: ContractKit): void {
  it('keeps the ids of files, their order, and lines per file', async () => {
    const file = (id: string, text: string) => ({
      id,
      uri: kit.file('a.gz', gzipSync(text)),
      compression: 'gzip' as const,
    });
    const files = [file('b', '{"id":1}\n{"id":2}\n'), file('a', '{"id":3}\nx\n')];
    const out = await kit.parse({ format: 'ndjson', columns: ID, files });
    expect(out.good.map((row) => [row['id'], row['_file']])).toEqual([
      [1, 'b'],
      [2, 'b'],
      [3, 'a'],
    ]);
    expect(out.bad.map((row) => [row['file'], row['line']])).toEqual([['a', 2]]);
    expect(out.per_file.get('a')).toEqual({ rows: 1, rejected: 1 });
  });
}

function rejectsLimit(kit: ContractKit): void {
  it('stops at too many rejects', async () => {
    const request = { format: 'ndjson' as const, columns: ID, rejects_max: 1 };
    await expect(kit.parse(request, '{"id":1}\nx\ny\n')).rejects.toMatchObject({ code: 'E_REJECTS_LIMIT' });
    expect((await kit.parse(request, '{"id":1}\nx\n')).bad).toHaveLength(1);
  });
}

function documents(kit: ContractKit): void {
  it.each([
    ['an array', '[{"id":1},\n {"id":2}]', [1, 2]],
    ['one object', '{"id":1}', [1]],
    ['an empty array', '[]', []],
  ])('%s', async (_, text, ids) => {
    const out = await kit.parse({ format: 'json', columns: ID }, text);
    expect([out.good.map((row) => row['id']), out.bad]).toEqual([ids, []]);
  });
}

function badElements(kit: ContractKit): void {
  it('rejects elements that are no object or do not fit', async () => {
    const out = await kit.parse({ format: 'json', columns: ID }, '[{"id":1},2,null,{"id":"x"}]');
    expect(out.per_file.get('in/a')).toEqual({ rows: 1, rejected: 3 });
    expect(out.bad.map((row) => [row['line'], row['column_name']])).toEqual([
      [2, null],
      [3, null],
      [4, 'id'],
    ]);
  });
}

function unreadableFile(kit: ContractKit): void {
  it('names a file that cannot be read', async () => {
    await expect(kit.parse({ format: 'json', columns: ID }, '[{"id":1},{"id":')).rejects.toMatchObject({
      code: 'E_SOURCE_IO',
      message: expect.stringContaining('a.json'),
    });
  });
}

function parquetCasts(kit: ContractKit): void {
  it.each([
    ['varchar', "('1'), ('x'), (null)", 'bigint', [1, null], 2],
    ['double', '(1.0), (12.7), (3.0)', 'bigint', [1, 3], 2],
    ['timestamp', "('2024-01-01 10:00'), ('2024-01-02')", 'date', ['2024-01-02'], 1],
    ['bigint', '(1), (9000000000), (2)', 'integer', [1, 2], 2],
  ])('%s values %s as %s', async (from, values, type, good, line) => {
    const sql = `select cast(v as ${from}) as v from (values ${values}) t(v)`;
    const [file] = await kit.session((session) =>
      session.write(sql, { folder: kit.folder(), columns: [column('v', from)] }),
    );
    const files = [{ id: 'p', uri: file?.uri ?? '', compression: 'none' as const }];
    const out = await kit.parse({ format: 'parquet', columns: [column('v', type)], files });
    expect(out.good.map((row) => row['v'])).toEqual(good);
    expect(out.bad).toMatchObject([{ file: 'p', line, column_name: 'v' }]);
    expect(out.per_file.get('p')).toEqual({ rows: good.length, rejected: 1 });
  });
}

function parquetTypes(kit: ContractKit): void {
  it('infers what the file says', async () => {
    const columns = [column('a', 'decimal(12,2)'), column('b', 'timestamptz'), column('c', 'integer[]')];
    const sql = "select 1.5 as a, timestamptz '2024-01-01' as b, [1] as c";
    await kit.session(async (session) => {
      const [file] = await session.write(sql, { folder: kit.folder(), columns });
      const files = [{ id: 'p', uri: file?.uri ?? '', compression: 'none' as const }];
      expect(await session.infer({ format: 'parquet', files })).toEqual(columns);
    });
  });
}
