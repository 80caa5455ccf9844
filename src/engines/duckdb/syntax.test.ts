import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, EngineSession } from '../../core/ports/engine.ts';
import { rooms } from '../../main.ts';

describe('the text of a parse tree', () => {
  let folder: string;
  let engine: Engine;
  let session: EngineSession;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dataflow-syntax-'));
    engine = await rooms.openBareEngine({ type: 'duckdb', threads: 1 }, folder);
    session = await engine.openSession({ label: 'test' });
  });
  afterAll(async () => {
    await session?.close();
    await engine?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    'select 2.5e0 as x, 2.5 as y, -3e5 as z, 1e20 as a, 1e-7 as b, 0.12345678901234568e0 as c, 1e15 as d, 90071992547409931 as e, -0e0 as f',
    'select 0.1e0 + 0.2e0 = 0.3e0 as sum, 0.1 + 0.2 = 0.3 as exact',
    'select quantile_cont(i, 0.25e0) as q, i % 2 as r from range(9) t(i) where i * 0.1e0 < 0.7e0 group by 2 having sum(i) > 1e0 order by r',
    "select cast('2.5' as double) as x, [1e0, null] as l, {'a': 5e0} as s, case when true then 1e0 else 2 end as c",
  ])('gives the values and types of the query itself: %s', async (sql) => {
    const { tree } = await session.syntaxOf(sql, { functions: false });
    const text = await session.sqlOf(tree);
    expect(await session.describe(text)).toEqual(await session.describe(sql));
    expect(await session.rows(text)).toEqual(await session.rows(sql));
  });
});
