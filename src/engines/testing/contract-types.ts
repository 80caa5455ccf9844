import { expect, it } from 'vitest';
import { type ContractKit, CSV, column } from './contract-kit.ts';

/** What is read as what: the stored value as text, or `null` for a record that is put aside. */
type TypeCase = readonly [type: string, text: string, stored: string | null];

const SAME = (type: string, ...texts: readonly string[]): readonly TypeCase[] =>
  texts.map((text) => [type, text, text] as const);
const REFUSED = (type: string, ...texts: readonly string[]): readonly TypeCase[] =>
  texts.map((text) => [type, text, null] as const);

/** Types × texts. Whatever would not be the same value afterwards has to be refused. */
const TYPE_CASES: readonly TypeCase[] = [
  ...SAME('bigint', '12', '-3', '9007199254740993', '9223372036854775807', '-9223372036854775808'),
  ['bigint', '007', '7'],
  ['bigint', '12.0', '12'],
  ['bigint', '1e3', '1000'],
  ['bigint', '+5', '5'],
  ...REFUSED(
    'bigint',
    '12.7',
    '0.5',
    '1e-3',
    '9223372036854775808',
    '1e400',
    '1_000',
    '0x1F',
    'true',
    '1.234.5',
    'nan',
  ),
  ...REFUSED('integer', '2147483648', '1.5'),
  ...SAME('decimal(12,2)', '1.23', '-0.01', '9999999999.99'),
  ['decimal(12,2)', '5', '5.00'],
  ['decimal(12,2)', '1.230', '1.23'],
  ['decimal(12,2)', '.5', '0.50'],
  ['decimal(12,2)', '1.5e1', '15.00'],
  ...REFUSED('decimal(12,2)', '1.239', '0.001', '1e-5', '1.234.5', '10000000000', 'nan', 'inf', '1_0.5'),
  ...SAME('decimal(38,0)', '99999999999999999999999999999999999999'),
  ...SAME('decimal(38,20)', '123456789012345678.12345678901234567890'),
  ...SAME('double', '0.1', '-2.5', 'nan', 'inf', '9007199254740992.0'),
  ['double', '9007199254740992', '9007199254740992.0'],
  ['double', '1e3', '1000.0'],
  ['double', '0.10', '0.1'],
  ...REFUSED('double', '9007199254740993', '1e400', '1e-400', '1_0.5', 'abc'),
  ...REFUSED('float', '16777217', '1e39'),
  ...SAME('date', '2024-01-15', '1969-12-31', '0001-02-03'),
  ['date', '2024/01/15', '2024-01-15'],
  ['date', '2024-1-5', '2024-01-05'],
  ['date', '2024-01-15T00:00:00', '2024-01-15'],
  ...REFUSED(
    'date',
    '01/02/03',
    '01-02-03',
    '15/01/2024',
    '2024-01-15 10:00:00',
    '2024-02-30',
    '2024-01-15x',
    'epoch',
    'infinity',
  ),
  ...SAME('timestamp', '2024-01-01 10:00:00', '1969-12-31 23:59:59.999999'),
  ['timestamp', '2024-01-01', '2024-01-01 00:00:00'],
  ['timestamp', '2024-01-01T10:00:00Z', '2024-01-01 10:00:00'],
  ['timestamp', '2024-01-01 10:00:00.120000000', '2024-01-01 10:00:00.12'],
  ...REFUSED(
    'timestamp',
    '2024-01-01 10:00:00.123456789',
    '2024-01-01 10:00:00+02',
    '01/02/03 10:00:00',
    '2024-01-01 25:00',
  ),
  ...REFUSED('timestamp', 'epoch', 'infinity'),
  ['timestamptz', '2024-01-01T10:00:00Z', '2024-01-01 10:00:00+00'],
  ['timestamptz', '2024-01-01 10:00:00+02:00', '2024-01-01 08:00:00+00'],
  ['timestamptz', '2024-01-01T10:00:00+0530', '2024-01-01 04:30:00+00'],
  ['timestamptz', '2024-03-31 02:30:00', '2024-03-31 02:30:00+00'],
  ...REFUSED('timestamptz', '2024-03-31 02:30:00 Europe/Paris', '2024-01-01T10:00:00.1234567Z', '03/31/2024 10:00'),
  ['boolean', 'NO', 'false'],
  ['boolean', 'TRUE', 'true'],
  ...REFUSED('boolean', 'on', '2', 'Norway'),
  ...SAME('varchar', '007', 'NO', '1.10', '9007199254740993', '1e400', '01/02/03', 'nan'),
];

const LABELLED = TYPE_CASES.map(
  ([type, text, stored]) => [type, text, stored === null ? 'refused' : stored, stored] as const,
);

/** Types at their limits: no value changes in silence, from whatever format. */
export function exactTypes(kit: ContractKit): void {
  const outcome = async (type: string, text: string, format: 'csv' | 'ndjson' | 'json'): Promise<unknown> => {
    const columns = [column('v', type), column('s', 'varchar')];
    const record = JSON.stringify({ v: text, s: 'x' });
    const content = format === 'csv' ? `v|s\n${text}|x\n` : format === 'json' ? `[${record}]` : `${record}\n`;
    const dialect = { ...CSV, delimiter: '|' };
    const exact = { doubtful: ['v'], first_record_line: 2, records: 1 };
    const out = await kit.parse({ format, columns, dialect, ...(format === 'csv' ? exact : {}) }, content);
    if (out.bad.length > 0) {
      expect(out.good).toEqual([]);
      expect(out.bad[0]).toMatchObject({ column_name: 'v', raw: format === 'csv' ? `${text}|x` : record });
      expect(String(out.bad[0]?.['error'])).toContain(text);
      if (format === 'csv') expect(out.bad[0]?.['line']).toBe(2);
      return null;
    }
    return await kit.session(async (session) => {
      await session.bind({ name: 'good', columns: [...columns, column('_file', 'varchar')], files: out.candidates });
      return (await session.rows('select cast(v as varchar) as v from good'))[0]?.['v'];
    });
  };
  it.each(LABELLED)('csv: %s %s is %s', async (type, text, _, stored) => {
    expect(await outcome(type, text, 'csv')).toBe(stored);
  });
  it.each(LABELLED)('ndjson: %s "%s" is %s', async (type, text, _, stored) => {
    expect(await outcome(type, text, 'ndjson')).toBe(stored);
  });
  csvDetails(kit);
  parquetTypes(kit);
}

function csvDetails(kit: ContractKit): void {
  it('csv: nothing between quotes is no number and no day, but it is a text', async () => {
    const columns = [column('n', 'bigint'), column('d', 'date'), column('s', 'varchar')];
    const exact = { doubtful: ['n', 'd'], first_record_line: 2, records: 2 };
    const out = await kit.parse({ format: 'csv', columns, ...exact }, '"n","d","s"\n"1","2024-01-01","x"\n"","",""\n');
    expect(out.bad).toEqual([]);
    expect(out.good[1]).toEqual({ n: null, d: null, s: '', _file: 'in/a' });
  });

  it('csv: what the reader rejects and what does not survive its cast have the right lines, in their order', async () => {
    const columns = [column('n', 'bigint'), column('m', 'integer'), column('s', 'varchar')];
    const lines = ['1,1,a', '1.5,1,b', '2,x,c', '3', '2.5,1,d', '4,1,e', '3.5,y,f', '4.5,1,g'];
    const exact = { doubtful: ['n'], first_record_line: 2, records: 8 };
    const out = await kit.parse({ format: 'csv', columns, ...exact }, `n,m,s\n${lines.join('\n')}\n`);
    expect(out.good.map((row) => row['s'])).toEqual(['a', 'e']);
    expect(out.bad.map((row) => [row['line'], row['column_name'], row['raw']])).toEqual([
      [3, 'n', '1.5,1,b'],
      [4, 'm', '2,x,c'],
      [5, 'm', '3'],
      [6, 'n', '2.5,1,d'],
      [8, 'm', '3.5,y,f'],
      [9, 'n', '4.5,1,g'],
    ]);
  });
}

const PARQUET: readonly (readonly [from: string, type: string, stored: string | null])[] = [
  ['12.7::double', 'bigint', null],
  ['12::double', 'bigint', '12'],
  ['9007199254740993::bigint', 'double', null],
  ['1.239::decimal(10,3)', 'decimal(12,2)', null],
  ['1.230::decimal(10,3)', 'decimal(12,2)', '1.23'],
  ["timestamp '2024-01-15 10:00:00'", 'date', null],
  ["timestamp '2024-01-15'", 'date', '2024-01-15'],
  ["'2024-01-01 10:00:00.123456789'::timestamp_ns", 'timestamp', null],
  ['3000000000::bigint', 'integer', null],
  ["'01/02/03'", 'date', null],
  ["'nan'::double", 'decimal(12,2)', null],
  ['2::integer', 'boolean', null],
];

function parquetTypes(kit: ContractKit): void {
  it.each(PARQUET)('parquet: %s as %s is %s', async (from, type, stored) => {
    const uri = kit.file('a.parquet', '');
    await kit.session((session) =>
      session.exportFile(`select ${from} as v`, { uri, format: 'parquet', compression: 'none' }),
    );
    const files = [{ id: 'p', uri, compression: 'none' as const }];
    const out = await kit.parse({ format: 'parquet', files, columns: [column('v', type)] });
    expect([out.good.length, out.bad.length]).toEqual(stored === null ? [0, 1] : [1, 0]);
    if (stored === null) expect(out.bad[0]).toMatchObject({ column_name: 'v' });
    else expect(String(out.good[0]?.['v'])).toBe(stored);
  });
}
