import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ContractKit, CSV, column } from './contract-kit.ts';

const COLUMNS = [column('id', 'bigint'), column('m', 'decimal(12,2)'), column('d', 'date'), column('s', 'varchar')];
const TWO = [column('id', 'bigint'), column('s', 'varchar')];

export function parsingCsvContract(kit: ContractKit): void {
  describe('parsing csv', () => {
    goodRowsAndRejects(kit);
    severalErrors(kit);
    layouts(kit);
    dialects(kit);
    manyFiles(kit);
    compressedFiles(kit);
    multilineRecords(kit);
    sessionsSideBySide(kit);
    rejectsLimit(kit);
    inference(kit);
  });
}

function goodRowsAndRejects(kit: ContractKit): void {
  it('keeps good rows in order, rejects with line, offset, column and raw text, tells empty text from NULL', async () => {
    const text =
      'id,m,d,s\n1,1.5,2025-01-01,"a ""q"""\n2,abc,2025-01-01,b\n3,2.5,2025-13-01,c\n5,1,2025-01-02,x,y\n6,9,2025-01-03,""\n8,,,\n';
    const out = await kit.parse({ format: 'csv', columns: COLUMNS }, text);
    expect(out.good).toEqual([
      { id: 1, m: '1.50', d: '2025-01-01', s: 'a "q"', _file: 'in/a' },
      { id: 6, m: '9.00', d: '2025-01-03', s: '', _file: 'in/a' },
      { id: 8, m: null, d: null, s: null, _file: 'in/a' },
    ]);
    expect(out.bad).toMatchObject([
      { file: 'in/a', line: 3, column_name: 'm', raw: '2,abc,2025-01-01,b' },
      { file: 'in/a', line: 4, column_name: 'd', raw: '3,2.5,2025-13-01,c' },
      { file: 'in/a', line: 5, column_name: null, raw: '5,1,2025-01-02,x,y' },
    ]);
    for (const row of out.bad) expect(text.slice(Number(row['byte_offset']))).toMatch(new RegExp(`^${row['raw']}`));
    expect(out.per_file).toEqual(new Map([['in/a', { rows: 3, rejected: 3 }]]));
  });
}

function severalErrors(kit: ContractKit): void {
  it('makes one reject of a record with several errors', async () => {
    const out = await kit.parse({ format: 'csv', columns: COLUMNS }, 'id,m,d,s\nx,y,z,1,2\n1,q\n');
    expect(out.bad.map((row) => [row['line'], row['column_name']])).toEqual([
      [2, 'id'],
      [3, 'm'],
    ]);
    expect(out.bad[0]?.['error']).toMatch(/"id".*"m".*"d".*too many columns/);
  });
}

function layouts(kit: ContractKit): void {
  it.each([
    ['a byte order mark', '\ufeffid,s\n1,x\n'],
    ['CR line ends', 'id,s\r1,x\r'],
    ['CR LF line ends', 'id,s\r\n1,x\r\n'],
    ['blank lines', 'id,s\n\n\n1,x\n\n'],
    ['no final line end', 'id,s\n1,x'],
  ])('reads %s', async (_, text) => {
    const out = await kit.parse({ format: 'csv', columns: TWO }, text);
    expect([out.good, out.bad]).toEqual([[{ id: 1, s: 'x', _file: 'in/a' }], []]);
  });
}

function dialects(kit: ContractKit): void {
  it.each([
    ['no quotes at all', { quote: '', escape: '' }, 'id,s\n1,"x\n2,y"z\n', ['"x', 'y"z']],
    ['another escape', { escape: '\\' }, 'id,s\n1,"x\\"y"\n2,z\n', ['x"y', 'z']],
    ['lines to skip', { skip_lines: 2 }, '# one\n# two, three\nid,s\n1,x\n2,y\n', ['x', 'y']],
    ['no header', { has_header: false }, '1,x\n2,y\n', ['x', 'y']],
    ['another delimiter', { delimiter: ';' }, 'id;s\n1;x,y\n2;z\n', ['x,y', 'z']],
    ['texts for NULL, unless quoted', { null_values: ['NA', '-'] }, 'id,s\n-,NA\n2,"NA"\n', [null, 'NA']],
  ])('follows the dialect: %s', async (_, dialect, text, values) => {
    const out = await kit.parse({ format: 'csv', columns: TWO, dialect: { ...CSV, ...dialect } }, text);
    expect([out.good.map((row) => row['s']), out.bad]).toEqual([values, []]);
  });
}

function manyFiles(kit: ContractKit): void {
  it('goes by the header, drops what is not asked for, and keeps the order and ids of files', async () => {
    const place = kit.folder();
    const files = Array.from({ length: 12 }, (_, index) => {
      const uri = join(place, `${index}.csv`);
      writeFileSync(
        uri,
        `extra,s,id\nnot a number,"x${index}",${index}\n1,z,${index % 2 === 0 ? 'bad' : 100 + index}\n`,
      );
      // The ids have nothing to do with the paths, and the order is not that of the names.
      return { id: `in/${(index * 7) % 12}`, uri, compression: 'none' as const };
    }).reverse();
    const out = await kit.parse({ format: 'csv', files, header: ['extra', 's', 'id'], columns: TWO });
    expect(out.good.filter((row) => row['s'] !== 'z')).toEqual(
      files.map(({ id }, index) => ({ id: 11 - index, s: `x${11 - index}`, _file: id })),
    );
    expect(out.bad.map((row) => row['file'])).toEqual(files.filter((_, index) => index % 2 === 1).map(({ id }) => id));
    expect(out.per_file.get(files[0]?.id ?? '')).toEqual({ rows: 2, rejected: 0 });
    expect(out.per_file.get(files[1]?.id ?? '')).toEqual({ rows: 1, rejected: 1 });
  });
}

function compressedFiles(kit: ContractKit): void {
  it('reads compressed files', async () => {
    const files = [{ id: 'z', uri: kit.file('a.bin', gzipSync('id,s\n1,x\nq,y\n')), compression: 'gzip' as const }];
    const out = await kit.parse({ format: 'csv', files, columns: TWO });
    expect(out.per_file.get('z')).toEqual({ rows: 1, rejected: 1 });
  });
}

function multilineRecords(kit: ContractKit): void {
  it('counts and locates records that span lines, in a file large enough to be read in pieces', async () => {
    const lines = ['id,s'];
    const bad: number[] = [];
    let records = 0;
    for (; records < 200_000; records++) {
      if (records % 997 === 5) bad.push(lines.length + 1);
      const id = records % 997 === 5 ? `x${records}` : records;
      if (records % 3 === 0) lines.push(`${id},"one, ""two"" of ${records}`, ` ${'padding '.repeat(40)}`, 'three"');
      else lines.push(`${id},plain ${records} ${'padding '.repeat(10)}`);
    }
    const out = await kit.session(async (session) =>
      session.parse({
        format: 'csv',
        dialect: CSV,
        header: ['id', 's'],
        multiline_records: true,
        columns: TWO,
        files: [{ id: 'in/a', uri: kit.file('a.csv', `${lines.join('\n')}\n`), compression: 'none' }],
        target: { folder: kit.folder(), columns: [...TWO, column('_file', 'varchar')] },
        reject_folder: kit.folder(),
      }),
    );
    expect(out.per_file.get('in/a')).toEqual({ rows: records - bad.length, rejected: bad.length });
    await kit.session(async (session) => {
      const columns = [column('line', 'bigint')];
      await session.bind({ name: 'bad', columns, files: out.rejects });
      expect((await session.rows('select line from bad order by line')).map((row) => row['line'])).toEqual(bad);
    });
  }, 60_000);
}

function sessionsSideBySide(kit: ContractKit): void {
  it('counts rejects right when several sessions parse at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const counts = await Promise.all(
        [0, 1, 0, 2, 0, 6].map(async (bad) => {
          const lines = Array.from({ length: 2000 }, (_, i) => (i % 100 < bad ? `x${i},b` : `${i},g`));
          const out = await kit.parse({ format: 'csv', columns: TWO }, `id,s\n${lines.join('\n')}\n`);
          return [bad, out.good.length, out.bad.length];
        }),
      );
      expect(counts).toEqual([0, 1, 0, 2, 0, 6].map((bad) => [bad, 2000 - 20 * bad, 20 * bad]));
    }
  });
}

function rejectsLimit(kit: ContractKit): void {
  it('stops at too many rejects and leaves nothing behind', async () => {
    const folders = [kit.folder(), kit.folder()] as const;
    const run = (rejects_max: number) =>
      kit.session((session) =>
        session.parse({
          format: 'csv',
          dialect: CSV,
          header: ['id', 's'],
          columns: TWO,
          rejects_max,
          files: [{ id: 'a', uri: kit.file('a.csv', 'id,s\n1,x\nq,1,2,3\nr,y\n'), compression: 'none' }],
          target: { folder: folders[0], columns: [...TWO, column('_file', 'varchar')] },
          reject_folder: folders[1],
        }),
      );
    await expect(run(1)).rejects.toMatchObject({ code: 'E_REJECTS_LIMIT' });
    expect(folders.flatMap((folder) => readdirSync(folder))).toEqual([]);
    expect((await run(2)).per_file.get('a')).toEqual({ rows: 1, rejected: 2 });
  });
}

function inference(kit: ContractKit): void {
  it('infers columns, and text for numbers that a double would round', async () => {
    const text =
      'i,d,t,x,long,n\n1,2024-01-01,2024-01-01 10:00:00,a,12345678901234567890,1.5\n2,2024-01-02,2024-01-01 11:00:00,b,1,2\n';
    await kit.session(async (session) => {
      const found = await session.infer({
        format: 'csv',
        files: [{ id: 'a', uri: kit.file('a.csv', text), compression: 'none' }],
        dialect: CSV,
        header: ['i', 'd', 't', 'x', 'long', 'n'],
      });
      expect(found.map((one) => `${one.name} ${one.type}`)).toEqual([
        'i bigint',
        'd date',
        't timestamptz',
        'x varchar',
        'long varchar',
        'n double',
      ]);
    });
  });

  it.each([
    ['csv', (values: readonly string[]) => `v,w\n${values.map((value) => `${value},1\n`).join('')}`],
    ['ndjson', (values: readonly string[]) => values.map((value) => `{"w":1,"v":${value}}\n`).join('')],
    ['json', (values: readonly string[]) => `[${values.map((value) => `{"w":1,"v":${value}}`).join(',\n')}]`],
  ] as const)('infers no double that would lose digits of a number: %s', async (format, textOf) => {
    const layout = format === 'csv' ? { dialect: CSV, header: ['v', 'w'] } : {};
    await kit.session(async (session) => {
      const typeOf = async (...values: readonly string[]) => {
        const files = [{ id: 'a', uri: kit.file(`v.${format}`, textOf(values)), compression: 'none' as const }];
        const found = await session.infer({ format, files, ...layout });
        return found.find((one) => one.name === 'v')?.type;
      };
      expect(await typeOf('1.5', '0.1', '0.30000000000000004', '1e-7', '0.000012345678901234')).toBe('double');
      expect(await typeOf('1.5', '0.1234567890123456789')).toBe('varchar');
      expect(await typeOf('1.5', '-123456789.123456789')).toBe('varchar');
      expect(await typeOf('0.5', '12345678901234567890123')).toBe('varchar');
    });
  });
}
