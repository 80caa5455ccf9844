import { describe, expect, it } from 'vitest';
import { buildWith } from '../support/broken-build.ts';
import { runCase } from '../support/case-runs.ts';
import { CASE_MISTAKES } from './broken-cases.ts';

/**
 * The tests of fault cases are shown able to fail: on a build with a mistake in it they turn red. This is a slice of `npm run soak:broken`, of
 * cases whose tests are quick; another one each day.
 */
const QUICK = [14, 19, 20, 21, 22, 23, 27, 28];
const TOGETHER = 2;

const quick = CASE_MISTAKES.flatMap((one) =>
  one.cases.flatMap((number) => (QUICK.includes(number) ? [{ ...one, number }] : [])),
);
const day = Math.floor(Date.now() / 86_400_000);
const todays = Array.from({ length: TOGETHER }, (_, i) => quick[(day * TOGETHER + i) % quick.length]).flatMap(
  (one) => one ?? [],
);

describe('on a broken build', () => {
  it.each(todays)('the tests of case $number turn red: $name', { timeout: 240_000 }, ({ number, edits }) => {
    const build = buildWith(edits, { tests: true });
    try {
      expect(runCase(build.folder, number).red).not.toEqual([]);
    } finally {
      build.remove();
    }
  });
});
