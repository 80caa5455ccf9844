import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { CASE_MISTAKES } from '../soak/broken-cases.ts';
import { brokenText } from '../support/broken-build.ts';
import { FAULT_CASES } from '../support/fault-cases.ts';

/** Every case said to be tested has a test that goes through the built binary and bears its number. */
const test_folder = resolve('test');

function numbersTested(): ReadonlySet<number> {
  const files = readdirSync(test_folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const text = files.map((name) => readFileSync(join(test_folder, name), 'utf8')).join('\n');
  const named = [...text.matchAll(/['"`]case (\d+)[:,]/g)].map((match) => Number(match[1]));
  // The table of input files writes the number first: `csv(27, 'header only', …)`.
  const tabled = [...text.matchAll(/^ {2}csv\((\d+), /gm)].map((match) => Number(match[1]));
  return new Set([...named, ...tabled]);
}

it('each tested case of the fault catalogue has a test with its number, and no other is tested in secret', () => {
  const found = numbersTested();
  const of = (tested: boolean) => FAULT_CASES.filter((one) => one.tested === tested).map((one) => one.number);
  expect(of(true).filter((number) => !found.has(number))).toEqual([]);
  expect(of(false).filter((number) => found.has(number))).toEqual([]);
  const numbers = FAULT_CASES.map((one) => one.number);
  expect(numbers.slice(0, 35)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
});

it('each of the first 35 cases has a mistake that it must notice, and each mistake can still be made', () => {
  const noticed = new Set(CASE_MISTAKES.flatMap(({ cases }) => cases));
  expect([...noticed].sort((a, b) => a - b)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1));
  for (const { edits } of CASE_MISTAKES) for (const edit of edits) brokenText(edit);
  expect(new Set(CASE_MISTAKES.map(({ name }) => name)).size).toBe(CASE_MISTAKES.length);
});
