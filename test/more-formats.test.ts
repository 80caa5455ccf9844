import avsc from 'avsc';
import { afterAll, describe, expect, it } from 'vitest';
import { avroFile } from '../src/formats/avro/file.fixture.ts';
import { bookOf } from '../src/formats/xlsx/workbook.fixture.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** Formats that the engine does not read, through the built program: rows in the lake, the others in quarantine with their place. */
const places: Place[] = [];
afterAll(() => {
  for (const one of places) one.remove();
});

function placeWith(files: Readonly<Record<string, string | Uint8Array>>, config: string): Place {
  const place = newPlace(config);
  places.push(place);
  place.put(files);
  return place;
}

function rejected(place: Place): string[] {
  const { stdout } = place.dataflow(['quarantine', 'show', 'bronze.a', '--format', 'json']);
  return (JSON.parse(stdout) as readonly { file?: string; line?: number; column_name?: string }[]).map(
    ({ file, line, column_name }) => `${file}:${line} ${column_name}`,
  );
}

const text = (at: string, value: string): string => `<c r="${at}" t="str"><v>${value}</v></c>`;
const row = (number: number, ...cells: readonly string[]): string => `<row r="${number}">${cells.join('')}</row>`;

describe('xlsx', () => {
  const sheet = [
    row(2, text('A2', 'ID'), text('B2', 'day'), text('C2', 'price'), text('D2', 'note')),
    row(
      3,
      '<c r="A3"><v>1</v></c><c r="B3" s="1"><v>45322</v></c><c r="C3"><v>19.989999999999998</v></c>',
      text('D3', '007'),
    ),
    row(5, text('A5', 'two'), '<c r="B5" s="1"><v>45323</v></c><c r="C5"><v>2</v></c>'),
    row(
      9,
      '<c r="A9"><v>3</v></c><c r="B9" s="1"><v>45324</v></c><c r="C9" t="e"><v>#N/A</v></c>',
      text('D9', 'l1&#10;l2'),
    ),
  ].join('');

  it('brings rows with exact values, and the row of the sheet where one does not fit', () => {
    const place = placeWith(
      { 'in/a.xlsx': bookOf({ sheets: { Notes: '', Sales: sheet }, formats: [14] }), 'in/b.xlsx': 'PK not a workbook' },
      `sources:
  a: { type: files, path: "in/*.xlsx", sheet: Sales, settle_seconds: 0, columns: { id: bigint, day: date, price: "decimal(10,2)", note: varchar } }
`,
    );
    const ran = place.dataflow(['run']);
    expect(ran.status, ran.stdout + ran.stderr).toBe(4);
    const rows = place.query('select id, day, price, note from bronze.a order by id');
    expect(rows.map((one) => Object.values(one).map(String).join('|'))).toEqual([
      '1|2024-01-31|19.99|007',
      '3|2024-02-02|null|l1\nl2',
    ]);
    expect(rejected(place)).toEqual(['in/a.xlsx:5 id', 'in/b.xlsx:null null']);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expect(place.dataflow(['trace', 'in/a.xlsx:5']).stdout).toContain('quarantined while it was read');
    const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--set', "id = replace(id, 'two', '2')"]);
    expect(done.stdout, done.stderr).toMatch(/1 of 1 rows? fixed/);
    expect(place.query('select day, price from bronze.a where id = 2')).toEqual([{ day: '2024-02-01', price: '2.00' }]);
    expectDone(place.dataflow(['verify']));
  });

  it('finds out the types when none are declared', () => {
    const place = placeWith(
      { 'in/a.xlsx': bookOf({ sheets: { Sales: sheet.replace('two', '2') }, formats: [14] }) },
      'sources:\n  a: { type: files, path: "in/*.xlsx", settle_seconds: 0 }\n',
    );
    expectDone(place.dataflow(['run']));
    const [first] = place.query('select typeof(day) as d, typeof(price) as p, note from bronze.a');
    expect(first).toEqual({ d: 'DATE', p: 'DOUBLE', note: '007' });
  });
});

describe('fixed width', () => {
  it('brings rows, and lines of another length into quarantine with their line', () => {
    const place = placeWith(
      { 'in/a.dat': '  1 19.99 Zoé\n  2  5.00\n\n  x  1.00 abc\n  4  7.50,"b"\n  5  1.00 abcdef\n' },
      `sources:
  a: { type: files, path: "in/*.dat", format: fixed, fields: { id: [1, 3], price: [4, 6], name: [11, 3] }, settle_seconds: 0, columns: { id: bigint, price: "decimal(10,2)", name: varchar } }
`,
    );
    expectDone(place.dataflow(['run']));
    const rows = place.query('select id, price, name from bronze.a order by id');
    expect(rows.map((one) => Object.values(one).map(String).join('|'))).toEqual(['1|19.99|Zoé', '4|7.50|"b"']);
    expect(rejected(place).sort()).toEqual(['in/a.dat:2 price', 'in/a.dat:4 id', 'in/a.dat:6 price']);
    expectDone(place.dataflow(['verify']));
  });
});

describe('xml', () => {
  it('brings records with exact values, and the line of the document where one does not fit', () => {
    const order = (id: string, price: string): string =>
      `  <order id="${id}">\n    <price>${price}</price><to><city>Lyon</city></to>\n  </order>\n`;
    const place = placeWith(
      {
        'in/a.xml': `<orders>\n${order('1', '123456789012345678.91')}${order('b', '2')}${order('3', '0.10')}</orders>\n`,
      },
      `sources:
  a: { type: files, path: "in/*.xml", record: orders/order, settle_seconds: 0, columns: { "@id": bigint, price: "decimal(20,2)", to: varchar } }
`,
    );
    expectDone(place.dataflow(['run']));
    const rows = place.query('select "@id", price, "to" from bronze.a order by 1');
    expect(rows.map((one) => Object.values(one).map(String).join('|'))).toEqual([
      '1|123456789012345678.91|{"city":"Lyon"}',
      '3|0.10|{"city":"Lyon"}',
    ]);
    expect(rejected(place)).toEqual(['in/a.xml:5 @id']);
  });
});

describe('avro', () => {
  it('brings records with all their digits', () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 10 } },
        { name: 'moment', type: { type: 'long', logicalType: 'timestamp-micros' } },
      ],
    };
    const bytes = avsc.Type.forSchema('bytes').toBuffer(Buffer.from('0102030405060708090a', 'hex'));
    const at = avsc.Type.forSchema('long').toBuffer(1_700_000_000_000_001);
    const highest = Buffer.from('feffffffffffffffff01', 'hex');
    const place = placeWith(
      { 'in/a.avro': avroFile(schema, [[Buffer.concat([highest, bytes, at])]], 'deflate') },
      `sources:
  a: { type: files, path: "in/*.avro", settle_seconds: 0, columns: { id: bigint, price: "decimal(30,10)", moment: timestamptz } }
`,
    );
    expectDone(place.dataflow(['run']));
    const [one] = place.query(
      'select id::varchar as id, price::varchar as price, epoch_us(moment)::varchar as us from bronze.a',
    );
    expect(one).toEqual({ id: '9223372036854775807', price: decimal('0102030405060708090a'), us: '1700000000000001' });
  });
});

function decimal(hex: string): string {
  const digits = BigInt(`0x${hex}`).toString();
  return `${digits.slice(0, -10)}.${digits.slice(-10)}`;
}

describe('csv with blank lines', () => {
  it('tells the line of each record that does not fit, whatever is wrong with it', () => {
    const place = placeWith(
      { 'in/a.csv': 'id,v\n1,1\n\n\nx,2\n3\n\n\n5,6,7\n', 'in/b.csv': 'id,v\r\n1,1\r\n\r\ny,2\r\n\r\n3\r\n' },
      'sources:\n  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, v: bigint } }\n',
    );
    expectDone(place.dataflow(['run']));
    const lines = rejected(place).map((one) => one.split(' ')[0]);
    expect(lines.sort()).toEqual(['in/a.csv:5', 'in/a.csv:6', 'in/a.csv:9', 'in/b.csv:4', 'in/b.csv:6']);
  });
});
