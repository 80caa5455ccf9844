import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDuckDb } from '../src/engines/duckdb/open-duckdb.ts';
import { parseRecords } from '../src/medallion/bronze/records.ts';

/** Sources of one run settle their decisions side by side, in one temporary folder. */
const folder = mkdtempSync(join(tmpdir(), 'dataflow-records-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COLUMNS = [
  { name: 'id', type: 'bigint', nullable: true },
  { name: 'source', type: 'varchar', nullable: true },
];

it('records of several sources that are read again at once stay apart', async () => {
  const engine = await openDuckDb({ type: 'duckdb', threads: 2, memory_limit: '512MB' }, { temp_folder: folder });
  const settle = async (source: string): Promise<readonly unknown[]> => {
    const session = await engine.openSession({ label: source });
    try {
      const raw = `'{"id":' || i || ',"source":"${source}"}'`;
      await session.define(
        'to_parse',
        `select i as n, ${raw} as raw, null::varchar as mended, null::varchar as mended_raw, '{"format":"ndjson"}' as layout from range(1, 2001) t(i)`,
      );
      const places = {
        temp_folder: folder,
        folder: async (part: string) => {
          const place = join(folder, source, part);
          mkdirSync(place, { recursive: true });
          return place;
        },
      };
      await parseRecords(session, COLUMNS, places, { drift_stays: false, dialect: {} });
      return await session.rows('select source, count(*)::integer as n from good_records group by all');
    } finally {
      await session.close();
    }
  };
  try {
    const sources = ['a', 'b', 'c', 'd'];
    const found = await Promise.all(sources.map(settle));
    expect(found).toEqual(sources.map((source) => [{ source, n: 2000 }]));
  } finally {
    await engine.close();
  }
});
