import { writeFileSync } from 'node:fs';
import { PAGE, reliabilityPage, soakLines } from './page.ts';

/** Cases from here on have real servers in them, or come later. */
export const BROKEN_CASES_MAX = 35;

/** What the tests of one case said of one mistake. */
export interface BrokenResult {
  readonly number: number;
  readonly mistake: string;
  readonly red: readonly string[];
  readonly green: number;
  readonly commit: string;
}

/** Puts the outcome of `npm run soak:broken` into the page in place of the last one. */
export function writeBroken(results: readonly BrokenResult[]): void {
  const lines = [...results]
    .sort((a, b) => a.number - b.number)
    .map(({ number, mistake, red, green }) => `| ${number} | ${mistake} | ${red.length} of ${red.length + green} |`);
  const commits = [...new Set(results.map(({ commit }) => commit))].join(' and ');
  const day = new Date().toISOString().slice(0, 10);
  const head = `Run on ${day}, ${commits}: ${results.length} times a mistake was held against the tests of a case.`;
  writeFileSync(PAGE, reliabilityPage(soakLines(), [head, '', HEAD, ...lines].join('\n')));
}

const HEAD = '| case | mistake built in | tests that turned red |\n| --- | --- | --- |';
