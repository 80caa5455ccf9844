import { afterAll, describe, expect, it } from 'vitest';
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

function rejected(place: Place): readonly string[] {
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
    expectDone(place.dataflow(['verify']));
    expect(place.dataflow(['trace', 'in/a.xlsx:5']).stdout).toContain('quarantined while it was read');
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
