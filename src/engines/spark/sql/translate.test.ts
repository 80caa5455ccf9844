import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine, EngineSession } from '../../../core/ports/engine.ts';
import { openDuckDb } from '../../duckdb/open-duckdb.ts';
import { sparkDialect } from './translate.ts';

/** The first part is refused after one question; those beside it have more to ask. */
const REFUSED = 'select concat(hash(a), upper(lower(trim(reverse(b)))), repeat(b, abs(a) + 1)) as x from t';

const folder = mkdtempSync(join(tmpdir(), 'dataflow-translate-'));
let engine: Engine;
let session: EngineSession;
beforeAll(async () => {
  engine = await openDuckDb({ type: 'duckdb' }, { temp_folder: folder });
  session = await engine.openSession({ label: 'run/silver.t' });
});
afterAll(async () => {
  await session.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

it('a refusal leaves no question behind: the next one on the session has it for itself', async () => {
  const columns = [
    { name: 'a', type: 'integer' },
    { name: 'b', type: 'varchar' },
  ];
  await session.bind({ name: 't', columns: columns.map((one) => ({ ...one, nullable: true })), files: [] });
  let at_work = 0;
  let asked = 0;
  const watched = new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return async (...given: readonly unknown[]): Promise<unknown> => {
        at_work += 1;
        asked += 1;
        expect(at_work).toBe(1);
        try {
          return await Reflect.apply(value, target, given);
        } finally {
          at_work -= 1;
        }
      };
    },
  });
  const made = await sparkDialect.translate({ sql: REFUSED, tables: new Map([['t', columns]]), session: watched });
  expect(made).toMatchObject({ refusals: [{ construct: 'hash()' }] });
  const before = { at_work, asked };
  expect(await session.tablesOf('select * from t')).toEqual(['t']);
  await new Promise((resolve) => setImmediate(resolve));
  expect([before.at_work, asked]).toEqual([0, before.asked]);
});
