import type { TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';

/** What a run came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Names of those that failed first and passed when they were tried again; they count as passed. */
  readonly retried: readonly string[];
}

const REASON_MARK = ' — skipped: ';

/** Why a test was skipped: its note (`context.skip(note)`), else what follows ` — skipped: ` in its name or the name of its suite. */
export function skipReason(full_name: string, note: string | undefined): string {
  if (note !== undefined && note !== '') return note;
  return splitReason(full_name).reason;
}

/** `kafka — skipped: no Maven > reads` is the test `kafka > reads` and the reason `no Maven`. */
export function splitReason(full_name: string): { readonly name: string; readonly reason: string } {
  const at = full_name.lastIndexOf(REASON_MARK);
  if (at < 0) return { name: full_name, reason: 'no reason given' };
  const [reason = '', ...below] = full_name.slice(at + REASON_MARK.length).split(' > ');
  return { name: [full_name.slice(0, at), ...below].join(' > '), reason };
}

/** The last line of a test run, e.g. `12 passed, 0 failed, 1 skipped`. */
export function summaryLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`;
}

/** Ends a test run with the reason of every skipped test and one line of totals, which CI reads. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tally = tallyOf(modules, errors.length);
    for (const { name, reason } of tally.skipped) console.log(`skipped: ${name} (${reason})`);
    for (const name of tally.retried) console.log(`passed at the second attempt only: ${name}`);
    // The default reporter prints its own summary while this event is handed round; ours comes last.
    process.once('exit', () => console.log(summaryLine(tally)));
  }
}

function tallyOf(modules: readonly TestModule[], stray_errors: number): Tally {
  let passed = 0;
  let failed = stray_errors;
  const skipped: { name: string; reason: string }[] = [];
  const retried: string[] = [];
  for (const module of modules) {
    if (module.errors().length > 0) failed += 1; // did not load, or broke outside its tests
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (test.diagnostic()?.flaky === true) retried.push(`${module.relativeModuleId} > ${test.fullName}`);
      if (result.state === 'passed') passed += 1;
      else if (result.state === 'failed') failed += 1;
      else {
        const note = result.state === 'skipped' ? result.note : undefined;
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        skipped.push({ name: splitReason(name).name, reason: skipReason(test.fullName, note) });
      }
    }
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed += 1;
  }
  return { passed, failed, skipped, retried };
}
