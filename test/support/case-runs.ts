import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caseTests } from '../../scripts/reliability/tests.ts';

/** What became of the tests of a case. */
export interface CaseRun {
  readonly red: readonly string[];
  readonly green: number;
}

/** Files that hold tests of the case. */
export function filesOf(number: number): readonly string[] {
  return [...new Set(caseTests().flatMap((test) => (test.number === number ? [test.file] : [])))];
}

/** Runs the tests of one case in a checkout, by a runner of their own. @throws Error when they cannot even begin. */
export function runCase(folder: string, number: number, files = filesOf(number), env: NodeJS.ProcessEnv = {}): CaseRun {
  const own = mkdtempSync(join(tmpdir(), 'dataflow-case-'));
  const report = join(own, 'report.json');
  try {
    const words = ['run', ...files, '-t', `case ${number}: `, '--reporter=json', `--outputFile=${report}`];
    const child = spawnSync(process.execPath, [join(folder, 'node_modules/vitest/vitest.mjs'), ...words], {
      cwd: folder,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      timeout: 600_000,
    });
    const found = reportAt(report);
    if (found === undefined) throw new Error(`case ${number}: no report; ${child.stderr.slice(-2000)}`);
    return found;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly title: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

function reportAt(path: string): CaseRun | undefined {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return undefined;
  }
  const red: string[] = [];
  let green = 0;
  for (const { status, message, name, assertionResults } of report.testResults) {
    const all_failed = assertionResults.filter((one) => one.status === 'failed');
    // A machine that has much to do proves nothing.
    const late = all_failed.filter((one) => one.failureMessages?.some((text) => /^Error: Test timed out/.test(text)));
    const failed = all_failed.filter((one) => !late.includes(one)).map((one) => one.title);
    green += assertionResults.filter((one) => one.status === 'passed').length;
    // What all tests of a file share failed before the first of them.
    if (status === 'failed' && all_failed.length === 0) red.push(`${name}: ${message.split('\n')[0]}`);
    red.push(...failed);
  }
  return { red, green };
}
