import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lossSql } from '../src/core/types/loss.ts';
import { CellLook } from '../src/formats/csv/cell-look.ts';
import { csvMachine } from '../src/formats/csv/machine.ts';

/**
 * Case 29: the look that the inspection takes at each cell decides whether a column needs the exact cast. So a cell that it calls plain must
 * be one that the engine's own reader takes over unchanged or refuses by itself.
 */
const TYPES = [
  'bigint',
  'integer',
  'decimal(6,2)',
  'decimal(38,0)',
  'double',
  'float',
  'date',
  'timestamp',
  'timestamptz',
];
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);
const DIALECT = { delimiter: '|', quote: '"', escape: '"' };

let folder: string;
let engine: DuckDBConnection;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
  engine = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await engine.run("set TimeZone = 'UTC'");
});
afterAll(() => {
  engine.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

function isPlain(type: string, cells: readonly string[]): readonly boolean[] {
  return cells.map((cell) => look(type, `x|${cell}|y\n`).length === 0);
}

function look(type: string, text: string, pieces: readonly number[] = []): readonly string[] {
  const columns = [{ name: 'v', type, nullable: true }];
  const seen = new CellLook({ machine: csvMachine(DIALECT), dialect: DIALECT, header: ['a', 'v', 'b'], columns });
  const bytes = Buffer.from(text);
  let from = 0;
  for (const to of [...pieces, bytes.length]) {
    seen.push(bytes.subarray(from, to));
    from = to;
  }
  return seen.end();
}

/** For each cell: NULL when the reader refuses it, else whether the value that it makes of it is another one. */
async function changed(type: string, cells: readonly string[]): Promise<readonly unknown[]> {
  const path = join(folder, 'x.csv');
  writeFileSync(
    path,
    `i|v|t\n${cells.map((cell, index) => `${index}|${cell}|"${cell.replaceAll('"', '""')}"\n`).join('')}`,
  );
  const rows = await engine.runAndReadAll(
    `select i, ${lossSql(type, 't', 'v')} as changed from read_csv('${path}', auto_detect=false, columns={'i': 'bigint', 'v': '${type}', 't': 'varchar'},
      delim='|', quote='"', escape='"', header=true, allow_quoted_nulls=false, ignore_errors=true) where v is not null`,
  );
  const found = new Map(rows.getRows().map(([index, loss]) => [Number(index), loss]));
  return cells.map((_, index) => found.get(index) ?? null);
}

const character = fc.constantFrom(...'0123456789012345678900-+.eET: Z/_a');
const number = fc
  .tuple(
    fc.constantFrom('', '-', '+', ' '),
    fc.stringMatching(/^[0-9]{0,24}$/),
    fc.constantFrom('', '.'),
    fc.stringMatching(/^[0-9]{0,12}$/),
    fc.constantFrom('', '', 'e5', 'E-7', 'e+22', 'e400', ' ', '_1'),
  )
  .map((parts) => parts.join(''));
const day = fc
  .tuple(
    fc.constantFrom('2024', '0024', '24', '1969'),
    fc.constantFrom('-', '/'),
    fc.constantFrom('01', '1', '02', '13'),
    fc.constantFrom('-', '/'),
    fc.constantFrom('29', '3', '31'),
  )
  .map((parts) => parts.join(''));
const time = fc
  .tuple(
    fc.constantFrom('', 'T', ' '),
    fc.constantFrom('', '10:00', '00:00:00', '23:59:59', '24:00:00', '25:00'),
    fc.constantFrom('', '.1', '.123456', '.1234567', '.'),
    fc.constantFrom('', 'Z', '+02', '+02:00', '-0530', '+2', ' UTC', ' Europe/Paris'),
  )
  .map((parts) => parts.join(''));
const usual = fc.constantFrom(
  '2024-01-15',
  '1969-12-31',
  '2024-02-29 10:00:00',
  '2024-02-29T10:00:00.5Z',
  '2024-02-29 10:00:00.000001',
  '0001-01-01',
);
const cell = fc.oneof(
  usual,
  number,
  fc.tuple(day, fc.oneof(fc.constant(''), time)).map((parts) => parts.join('')),
  fc.string({ unit: character, minLength: 1, maxLength: 12 }),
  fc.constantFrom('""', '"5"', 'nan', 'inf', 'epoch', 'infinity'),
);

describe('case 29: cells that need an exact look', () => {
  it.each(TYPES)('what is plain for %s is read unchanged', async (type) => {
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 30, maxLength: 60 }), async (cells) => {
        const seen = isPlain(type, cells);
        const losses = await changed(type, cells);
        for (const [index, text] of cells.entries()) {
          if (seen[index] !== true || losses[index] === null) continue;
          plain += 1;
          expect(losses[index], `${JSON.stringify(text)} as ${type}`).toBe(false);
        }
      }),
      { numRuns: RUNS },
    );
    expect(plain).toBeGreaterThan(20);
  });

  it.each([
    ['bigint', ['1', '-12', '007', ''], ['1.0', '1e3', ' 1', '+1', '"1"', '""', '1_0']],
    ['decimal(6,2)', ['1', '-1.25', '.5', '5.'], ['1.234', '1e2', '1,2', 'nan']],
    [
      'double',
      ['1', '0.1234567890123456789', '1e5', '-2.5E-10', '123456789012345'],
      ['1234567890123456', '1e400', 'nan', '1_0'],
    ],
    ['date', ['2024-01-15', ''], ['01/02/03', '2024-1-5', '2024-01-15 00:00:00', '2024-01']],
    [
      'timestamp',
      ['2024-01-15', '2024-01-15T10:00', '2024-01-15 10:00:00.123456', '2024-01-15 10:00:00Z'],
      ['2024-01-15 10:00:00+02', '2024-01-15 10:00:00.1234567', '2024-01-15 10'],
    ],
    [
      'timestamptz',
      ['2024-01-15 10:00:00+02', '2024-01-15 10:00+02:00', '2024-01-15T10:00:00.5-0530'],
      ['2024-01-15 10:00 UTC', '2024-01-15 10:00+2'],
    ],
    ['boolean', ['true', 'NO', ''], ['""', '"true"']],
    ['varchar', ['', 'x', '"x"'], []],
  ])('%s', (type, plain, odd) => {
    expect(isPlain(type, plain)).toEqual(plain.map(() => true));
    expect(isPlain(type, odd)).toEqual(odd.map(() => false));
  });

  it('follows columns through quotes, line ends and the borders of pieces', () => {
    const text = 'x|1|y\r\n"a|b\n2.5|c""d"|3|e\n|4|"f|"\nx||\nx|5';
    for (let cut = 0; cut <= text.length; cut++) {
      expect(look('bigint', text, [cut])).toEqual([]);
      expect(look('bigint', `${text}.5`, [cut])).toEqual(['v']);
      expect(look('date', 'x|2024-01-1', [Math.min(cut, 11)])).toEqual(['v']);
    }
  });
});
