import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'zod/mini';
import { component } from '../../src/connectors/postgres/source.ts';
import type { Column } from '../../src/core/model/table.ts';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import type { SealedUnit } from '../../src/core/ports/landing-place.ts';
import type { PulledSource } from '../../src/core/ports/pulled-source.ts';
import { inspectors } from '../../src/formats/inspectors.ts';
import { openLandingPlace } from '../../src/landing/open-landing.ts';
import { pullContext } from './held-landing.ts';
import { describeService, uniqueName } from './service.ts';

describeService('postgresql', ({ url }) => {
  let client: pg.Client;
  let root: string;
  const schema = uniqueName('vouched');

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'dataflow-vouched-'));
    client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`create schema ${schema}; set search_path to ${schema}`);
    await client.query(`create table plain (id bigint primary key, n smallint, amount numeric(12,2), x double precision, f real,
      ok boolean, day date, at timestamptz, local timestamp, note text, tags text[])`);
    await client.query(`insert into plain select i, i % 100, (i - 500) / 7.0, (i - 500) / 3.0, i / 9.0, i % 2 = 0, date '1900-01-01' + i,
      timestamptz '1999-12-31 23:59:59.5Z' + i * interval '1 day', timestamp '2024-02-29' + i * interval '1 microsecond',
      case i % 5 when 0 then 'a,"b"' when 1 then '' when 2 then null when 3 then 'é;€' else 'x' end, array['a', null] from generate_series(1, 1000) i`);
    await client.query(`create table spanning as select i as id, case when i = 300 then E'two\nlines' else 'one' end as note,
      now()::date as day from generate_series(1, 400) i; alter table spanning add primary key (id)`);
    await client.query(`create table endless as select i as id, case when i = 3 then 'infinity' else '2024-01-01' end::date as day
      from generate_series(1, 9) i; alter table endless add primary key (id)`);
    await client.query(`create table lone as select (i % 3) as n from generate_series(1, 9) i`);
  });
  afterAll(async () => {
    await client.query(`drop schema ${schema} cascade`);
    await client.end();
    rmSync(root, { recursive: true, force: true });
  });

  async function landed(options: Record<string, unknown>) {
    const place = openLandingPlace({ state_folder: root, source: uniqueName('s'), inspectors });
    const source = component.open(parse(component.schema as never, options) as never, {
      inspectors: {} as FormatInspectors,
      connection: { name: 'erp', type: 'postgres', options: { ssl: 'off', connect_timeout_s: 5, url } },
    }) as PulledSource;
    try {
      const pull = await place.begin(null);
      await source.pull(pull.landing, pullContext(undefined, { temp_folder: root }));
      const columns = (await source.columns?.(pullContext(undefined))) ?? [];
      const inspect = (unit: SealedUnit, as: readonly Column[] = columns) => {
        const { uri, size_bytes } = unit;
        const own = {
          path: 's/1',
          uri,
          size_bytes,
          mtime_ns: '0',
          inode: '0',
          format: 'csv',
          compression: 'none',
        } as const;
        return place.inspect(unit, own, { temp_folder: root, columns: as });
      };
      const looked = ({ facts: _, ...unit }: SealedUnit, as?: readonly Column[]) => inspect(unit, as);
      return { units: pull.units, columns, inspect, looked };
    } finally {
      await source.close();
    }
  }

  it.each([{ table: 'plain' }, { table: 'plain', cursor: { column: 'at' } }, { table: 'spanning' }, { table: 'lone' }])(
    'what is vouched for is what a look at the unit finds: %o',
    async ({ table, ...more }) => {
      const { units, columns, inspect, looked } = await landed({ table: `${schema}.${table}`, ...more });
      expect(units.length).toBeGreaterThan(0);
      for (const unit of units) {
        expect(unit.facts).toBeDefined();
        // Where its records begin nobody asks of a unit: no person has its file.
        const [vouched, { record_lines: _, ...found }] = [await inspect(unit), await looked(unit)];
        // A real number has more digits than a float is sure to keep, but its text is that of this very float.
        const doubtful = found.doubtful?.filter((name) => name !== 'f');
        expect({ ...vouched, notes: [] }).toEqual({ ...found, doubtful, vouched: true, notes: [] });
        const texts = columns.map((column) => ({
          ...column,
          type: column.type === 'date' ? 'timestamp' : column.type,
        }));
        const days = columns.filter(({ type }) => type === 'date').map(({ name }) => name);
        expect((await inspect(unit, texts)).doubtful).toEqual(expect.arrayContaining(days));
      }
    },
  );

  it('a unit with a day that never comes is left to the look', async () => {
    const { units } = await landed({ table: `${schema}.endless` });
    expect(units.map(({ facts }) => facts)).toEqual([undefined]);
  });
});
