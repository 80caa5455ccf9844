import { writeFileSync } from 'node:fs';
import type { TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';
import { type FileTally, type RunTally, summaryLine } from './vitest-tally.ts';

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

/** Hands what a run came to over to `scripts/test.ts` (`DATAFLOW_TALLY_FILE`); where vitest was called by hand it prints the totals itself. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tally = tallyOf(modules, errors);
    const file = process.env['DATAFLOW_TALLY_FILE'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally));
    // The default reporter prints its own summary while this event is handed round; ours comes last.
    else process.once('exit', () => console.log(summaryLine(tally)));
  }
}

function tallyOf(modules: readonly TestModule[], errors: readonly unknown[]): RunTally {
  const files = new Map(modules.map((module) => [module.moduleId, fileTally(module)]));
  let stray_errors = 0;
  for (const error of errors) {
    // An error outside any test, e.g. a promise that nobody awaited: vitest says during which file, if it knows.
    const place = (error as { VITEST_TEST_PATH?: string }).VITEST_TEST_PATH;
    const during = place === undefined ? undefined : files.get(place);
    if (place === undefined || during === undefined) stray_errors += 1;
    else files.set(place, { ...during, failed: [...during.failed, `${during.file} > an error outside its tests`] });
  }
  return { files: [...files.values()], stray_errors, retried: [] };
}

function fileTally(module: TestModule): FileTally {
  const file = module.relativeModuleId;
  const state = module.state();
  const ended = state !== 'pending' && state !== 'queued';
  let passed = 0;
  // Did not load, broke outside its tests, or its process ended before it did.
  const failed: string[] = module.errors().length > 0 || !ended ? [file] : [];
  const skipped: { name: string; reason: string }[] = [];
  for (const test of module.children.allTests()) {
    const name = `${file} > ${test.fullName}`;
    const result = test.result();
    if (result.state === 'passed') passed += 1;
    else if (result.state === 'failed') failed.push(name);
    else {
      const note = result.state === 'skipped' ? result.note : undefined;
      skipped.push({ name: splitReason(name).name, reason: skipReason(test.fullName, note) });
    }
  }
  for (const suite of module.children.allSuites())
    if (suite.errors().length > 0) failed.push(`${file} > ${suite.fullName}`);
  return { file, passed, failed, skipped: ended ? skipped : [], ended };
}
