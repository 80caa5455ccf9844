import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckSpec } from '../core/model/project.ts';
import type { Engine, EngineSession } from '../core/ports/engine.ts';
import { openDuckDb } from '../engines/duckdb/open-duckdb.ts';
import { CHECKS } from '../registry.ts';
import { runTests } from './audit.ts';

const COLUMNS = [
  { name: 'id', type: 'bigint', nullable: true },
  { name: 'pays', type: 'varchar', nullable: true },
];
const test = (check: string, params: unknown): CheckSpec =>
  ({ check, name: check, severity: 'fail', params }) as unknown as CheckSpec;
const TESTS = [
  test('unique', ['id']),
  test('row_count', { min: 9 }),
  test('sql', "select * from this where pays = 'FR' -- ici"),
  test('not_null', ['pays']),
];

const folder = mkdtempSync(join(tmpdir(), 'dataflow-audit-'));
let engine: Engine;
let session: EngineSession;
beforeAll(async () => {
  engine = await openDuckDb({ type: 'duckdb' }, { temp_folder: folder });
  session = await engine.openSession({ label: 'run/silver.t' });
  await session.materialize('this', "select * from (values (1, 'FR'), (1, null), (2, 'BE')) as v(id, pays)");
});
afterAll(async () => {
  await session.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The results, and the questions that were asked for them. */
async function asked(tests: readonly CheckSpec[], asks_together: boolean) {
  const questions: string[] = [];
  const watched = new Proxy(session, {
    get(target, key) {
      if (key === 'asks_together') return asks_together;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...given: readonly unknown[]): unknown => {
        if (key === 'rows') questions.push(String(given[0]));
        return Reflect.apply(value, target, given);
      };
    },
  });
  const loaded = Object.entries(CHECKS).map(async ([name, load]) => [name, await load()] as const);
  const run = { checks: new Map(await Promise.all(loaded)), now_ms: 0 };
  const results = await runTests(run, watched, tests, COLUMNS, undefined).catch((error: unknown) => error);
  return { results, questions };
}

it('tests that are asked together give what they give one by one, in one question', async () => {
  const [one_by_one, together] = [await asked(TESTS, false), await asked(TESTS, true)];
  expect(one_by_one.questions).toHaveLength(TESTS.length);
  expect(together.questions).toHaveLength(1);
  expect(together.results).toEqual(one_by_one.results);
  expect(together.results).toMatchObject([
    { test: 'unique', failures: 1 },
    { test: 'row_count', failures: 1, message: expect.stringMatching(/\(3\)$/) },
    { test: 'sql', failures: 1 },
    { test: 'not_null', failures: 1 },
  ]);
});

it('a test whose query is wrong is told as it is when it is asked alone', async () => {
  const wrong = [...TESTS, test('sql', 'select nowhere from this')];
  const [one_by_one, together] = [await asked(wrong, false), await asked(wrong, true)];
  expect(one_by_one.results).toMatchObject({ code: 'E_SQL', message: expect.stringContaining('nowhere') });
  expect(together.results).toEqual(one_by_one.results);
});
