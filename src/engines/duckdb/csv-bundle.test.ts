import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParseFile } from '../../core/ports/engine.ts';
import { CSV, column, contractKit } from '../testing/contract-kit.ts';
import { component } from './engine.ts';

const COLUMNS = [column('id', 'bigint'), column('nom', 'varchar'), column('jour', 'date')];

/** Lines that are good, or wrong in one of the ways that are rejected line by line. */
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.integer(),
        fc.constantFrom('a', '"b ""c"', 'é,x'.replace(',', ''), ''),
        fc.constantFrom('2024-02-29', ''),
      )
      .map((cells) => cells.join(',')),
  },
  fc.constantFrom(
    'x,y,2024-01-01',
    '1,a',
    '1,a,2024-01-01,more',
    '1,a,2024-13-01',
    '99999999999999999999,a,',
    '1,"a"b,2024-01-01',
    '1.5,a,2024-01-01',
    '1,a,01/02/03',
  ),
);
const file = fc.record({
  lines: fc.array(line, { maxLength: 5 }),
  end: fc.constantFrom('\n', '\r\n'),
  mark: fc.boolean(),
  final: fc.boolean(),
  name: fc.constantFrom('', 'é ', "l'un,", '漢字'),
});

describe('many small files as one', () => {
  const kit = contractKit((temp_folder) => component.open({ type: 'duckdb' }, { temp_folder }));

  it('gives the rows, files, lines, offsets and raw texts that the files give as they lie', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 16, maxLength: 24 }), async (files) => {
        const folder = kit.folder();
        const request = files.map((one, index): ParseFile => {
          const uri = join(folder, `${index}.csv`);
          const body = ['id,nom,jour', ...one.lines].join(one.end) + (one.final && one.lines.length > 0 ? one.end : '');
          writeFileSync(uri, (one.mark ? '\ufeff' : '') + (one.lines.length === 0 ? `id,nom,jour${one.end}` : body));
          return { id: `in/${one.name}${index}.csv`, uri, compression: 'none' };
        });
        const exact = { doubtful: ['id', 'jour'], first_record_line: 2 };
        const apart = await kit.parse({ format: 'csv', columns: COLUMNS, dialect: CSV, files: request, ...exact });
        const together = await kit.parse({
          format: 'csv',
          columns: COLUMNS,
          dialect: CSV,
          ...exact,
          files: request.map((one) => ({ ...one, size_bytes: 100, first_record_line: 2 })),
        });
        expect(together.good).toEqual(apart.good);
        expect(together.bad).toEqual(apart.bad);
        expect(together.per_file).toEqual(apart.per_file);
      }),
      { numRuns: Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 12), endOnFailure: true },
    );
  });

  it('reads files as they lie when their lines end with CR alone', async () => {
    const folder = kit.folder();
    const files = Array.from({ length: 20 }, (_, index): ParseFile => {
      const uri = join(folder, `${index}.csv`);
      writeFileSync(uri, `id,nom,jour\r${index},a,2024-01-01\r`);
      return { id: `${index}.csv`, uri, compression: 'none', size_bytes: 30, first_record_line: 2 };
    });
    const parsed = await kit.parse({ format: 'csv', columns: COLUMNS, dialect: CSV, files });
    expect(parsed.good).toHaveLength(20);
  });
});
