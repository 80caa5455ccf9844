import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import type { UnitLayout } from '../../../core/ports/pulled-source.ts';
import { contentOf } from './content.ts';

const SPEC = { schema_change: 'freeze' } as const;
const LINES = ['{"n":1}\n', '{"n":2}\n', '{"n":3}\n'];

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-content-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function unit(lines: readonly string[], layout: UnitLayout = { format: 'ndjson' }, unreadable = 0): SealedUnit {
  const uri = join(folder, `unit-${++count}`);
  writeFileSync(uri, lines.join(''));
  const sha256 = createHash('sha256').update(lines.join('')).digest('hex');
  return { uri, sha256, layout, records: lines.length, unreadable } as unknown as SealedUnit;
}

describe('the content of a snapshot', () => {
  it('is the same wherever it was cut into units', async () => {
    const whole = await contentOf([unit(LINES)], SPEC);
    expect(await contentOf([unit(LINES.slice(0, 1)), unit(LINES.slice(1))], SPEC)).toBe(whole);
    expect(
      await contentOf(
        LINES.map((line) => unit([line])),
        SPEC,
      ),
    ).toBe(whole);
  });

  it('is another when bytes, order, layout, counts or declared columns are', async () => {
    const csv: UnitLayout = {
      format: 'csv',
      dialect: { delimiter: ',', quote: '"', escape: '"', has_header: false, skip_lines: 0 },
      header: ['n'],
    };
    const columns = { n: 'bigint' };
    const found = await Promise.all([
      contentOf([unit(LINES)], SPEC),
      contentOf([unit(LINES.toReversed())], SPEC),
      contentOf(
        LINES.toReversed().map((line) => unit([line])),
        SPEC,
      ),
      contentOf([unit(LINES.slice(0, 1)), unit(LINES.slice(1), csv)], SPEC),
      contentOf([unit(LINES.slice(0, 2)), unit(LINES.slice(2), { format: 'ndjson' }, 1)], SPEC),
      contentOf([unit(LINES)], { ...SPEC, columns }),
      contentOf([], SPEC),
    ]);
    expect(found[2]).toBe(found[1]);
    expect(new Set(found).size).toBe(found.length - 1);
  });

  it('of units that are vouched for is that of each unit: they are not read again', async () => {
    const vouched = (lines: readonly string[]): SealedUnit => ({ ...unit(lines), uri: '/nowhere', facts: {} });
    const whole = await contentOf([vouched(LINES)], SPEC);
    expect(whole).toBe(await contentOf([unit(LINES)], SPEC));
    expect(
      await contentOf(
        LINES.map((line) => vouched([line])),
        SPEC,
      ),
    ).not.toBe(whole);
  });

  it('of Parquet files is that of each file', async () => {
    const parquet: UnitLayout = { format: 'parquet' };
    const whole = await contentOf([unit(LINES, parquet)], SPEC);
    expect(await contentOf([unit(LINES.slice(0, 1), parquet), unit(LINES.slice(1), parquet)], SPEC)).not.toBe(whole);
  });
});
