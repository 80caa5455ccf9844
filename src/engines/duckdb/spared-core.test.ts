import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SparedCore } from './spared-core.ts';

/** Against a real instance: what its setting says while work goes on. */
let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '4' });
  connection = await instance.connect();
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

async function threads(): Promise<number> {
  const reader = await connection.runAndReadAll("select current_setting('threads')::int as n");
  return Number(reader.getRows()[0]?.[0]);
}

/** Work that goes on until it is told to end. */
function held(spared: SparedCore) {
  let end: () => void = () => undefined;
  const going = new Promise<void>((done) => {
    end = done;
  });
  let begun: () => void = () => undefined;
  const under_way = new Promise<void>((done) => {
    begun = done;
  });
  const work = spared.during(connection, async () => {
    begun();
    await going;
  });
  const ended = (): Promise<void> => {
    end();
    return work;
  };
  return { under_way, end: ended };
}

it('one thread less while some work goes on, all of them after the last, also where it failed', async () => {
  const spared = new SparedCore(4, 4);
  const [one, other] = [held(spared), held(spared)];
  await Promise.all([one.under_way, other.under_way]);
  expect(await threads()).toBe(3);
  await one.end();
  expect(await threads()).toBe(3);
  await other.end();
  expect(await threads()).toBe(4);
  const failing = spared.during(connection, async () => {
    expect(await threads()).toBe(3);
    throw new Error('work');
  });
  await expect(failing).rejects.toThrow('work');
  expect(await threads()).toBe(4);
});

it.each([
  [4, 8],
  [1, 1],
])('nothing is changed with %i threads on %i cores', async (count, cpus) => {
  await connection.run(`set threads = ${count}`);
  const answer = await new SparedCore(count, cpus).during(connection, threads);
  expect(answer).toBe(count);
});

it('work goes on where the setting cannot be changed', async () => {
  const lost = await instance.connect();
  lost.closeSync();
  expect(await new SparedCore(4, 4).during(lost, async () => 'done')).toBe('done');
});
