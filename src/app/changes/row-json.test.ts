import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { rooms } from '../../main.ts';
import { rowJson } from './row-json.ts';

const temp = mkdtempSync(join(tmpdir(), 'dataflow-row-json-'));
afterAll(() => rmSync(temp, { recursive: true, force: true }));

it('writes valid JSON of rows whose numbers JSON has no word for, however deep they lie, and loses no digit', async () => {
  const types = {
    plain: 'double',
    list: 'double[]',
    deep: 'struct(a double[], "b c" float, d varchar)[]',
    map: 'map(varchar, double)',
    big: 'bigint[]',
    money: 'decimal(38,10)',
    nothing: 'struct(a double)',
  };
  const values = {
    plain: `'nan'::double`,
    list: `[1.5, 'inf'::double, null]`,
    deep: `[{'a': ['-inf'::double], 'b c': 'nan'::float, 'd': 'x"y'}, {'a': null, 'b c': 0.5::float, 'd': null}]`,
    map: `map {'k': 'nan'::double, 'l': 2.0}`,
    big: '[9223372036854775807]',
    money: '1234567890123456789012345678.0123456789',
    nothing: 'null',
  };
  const columns = Object.entries(types).map(([name, type]) => ({ name, type, nullable: true }));
  const engine = await rooms.openBareEngine({ type: 'duckdb' }, temp);
  try {
    const session = await engine.openSession({ label: 'test' });
    const row = Object.entries(values).map(
      ([name, value]) => `(${value})::${types[name as keyof typeof types]} as "${name}"`,
    );
    const [found] = await session.rows(`select ${rowJson(columns, 'r')} as text from (select ${row.join(', ')}) r`);
    const text = String(found?.['text']);
    expect(JSON.parse(text)).toMatchObject({
      plain: 'nan',
      list: [1.5, 'inf', null],
      deep: [
        { a: ['-inf'], 'b c': 'nan', d: 'x"y' },
        { a: null, 'b c': 0.5, d: null },
      ],
      map: { k: 'nan', l: 2 },
      nothing: null,
    });
    expect(text).toContain('"big":[9223372036854775807]');
    expect(text).toContain('1234567890123456789012345678.0123456789');
    await session.close();
  } finally {
    await engine.close();
  }
});
