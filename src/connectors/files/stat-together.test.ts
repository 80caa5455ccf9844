import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statTogether } from './stat-together.ts';

const WORKER = pathToFileURL(resolve('dist/stat-worker.js'));

describe('the stats of a large folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-stat-'));
  const names = Array.from({ length: 3_000 }, (_, index) => `é ${index}.csv`);
  beforeAll(() => {
    for (const [index, name] of names.entries()) writeFileSync(join(folder, name), 'x'.repeat(index % 50));
    rmSync(join(folder, 'é 7.csv'));
    rmSync(join(folder, 'é 2999.csv'));
    mkdirSync(join(folder, 'é 2999.csv'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const expectAll = (stampOf: ReturnType<typeof statTogether>): void => {
    for (const [index, name] of names.entries()) {
      const stat = statSync(join(folder, name), { bigint: true, throwIfNoEntry: false });
      const { size, mtimeNs, ino } = stat ?? {};
      expect(stampOf(index)).toEqual(stat?.isFile() === true ? { size, mtimeNs, ino } : undefined);
    }
    expect([stampOf(7), stampOf(2_999)]).toEqual([undefined, undefined]);
  };

  it('are those of a single thread', () => expectAll(statTogether(`${folder}/`, names, undefined, undefined)));

  it('are the same when a second thread helps', () => expectAll(statTogether(`${folder}/`, names, undefined, WORKER)));

  it(
    'are complete when the second thread fails to start',
    () => expectAll(statTogether(`${folder}/`, names, undefined, pathToFileURL(join(folder, 'é 7.csv')))),
    40_000,
  );
});
