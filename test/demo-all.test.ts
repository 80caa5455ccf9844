import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoAllReport } from '../src/app/demo/demo-all.ts';

const BINARY = resolve('bin/dataflow.js');

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'dataflow-demo-test-'));
  mkdirSync(join(place, 'tmp'));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

async function demo(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [BINARY, 'demo', '--all', ...args], {
    cwd: place,
    // Nothing of the machine beyond the program: no home, no cache, no other temp folder.
    env: { PATH: process.env['PATH'], TMPDIR: join(place, 'tmp'), NO_COLOR: '1', COLUMNS: '80', ...env },
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  await new Promise((done) => child.once('close', done));
  return { code: child.exitCode, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

describe('demo --all', { timeout: 120_000 }, () => {
  it('passes, says so at 80 columns, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await demo([]);
    expect({ code, failed: stdout.split('\n').filter((line) => line.endsWith('FAIL')), stderr }).toEqual({
      code: 0,
      failed: [],
      stderr: expect.not.stringMatching(/warning|error/),
    });
    expect(stdout).toMatch(/\n\d+ passed, 0 failed, [01] skipped in [\d.]+ s\n$/);
    for (const word of ['stream', 'API', 'CSV', 'JSON', 'Parquet', 'quarantine', 'second run', 'verify'])
      expect(stdout).toMatch(new RegExp(`^${word}: .* pass$`, 'm'));
    expect(Math.max(...`${stdout}${stderr}`.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(readdirSync(join(place, 'tmp'))).toEqual([]);
  });

  it('keeps a folder that is named, and takes none that holds something', async () => {
    const { code, stdout } = await demo(['here', '--format', 'json']);
    const report = JSON.parse(stdout) as DemoAllReport;
    expect({ code, exit_code: report.exit_code, failed: report.failed }).toEqual({ code: 0, exit_code: 0, failed: 0 });
    expect(report.checks.length).toBe(report.passed + report.skipped);
    // Scans are read where the packages for it are installed, as they are for these tests.
    expect(report.checks.at(-1)).toMatchObject({ check: expect.stringContaining('OCR'), found: '128.40' });
    expect(report.kept).toBe(true);
    expect(existsSync(join(report.folder, 'lake/gold/revenue/_delta_log'))).toBe(true);

    const again = await demo(['here']);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('E_USAGE');
    writeFileSync(join(place, 'file'), '');
    expect(await demo(['file'])).toMatchObject({ code: 2, stderr: expect.stringContaining('is no folder') });
    expect((await demo(['other', '--rows', '5'])).code).toBe(2);
  });

  it('fails with what went wrong, and keeps the folder', async () => {
    const { code, stdout, stderr } = await demo(['broken', '--format', 'json'], {
      DATAFLOW_FAULT: 'after-stage:error',
    });
    const report = JSON.parse(stdout) as DemoAllReport;
    expect(code).toBe(1);
    expect(report.failed).toBeGreaterThan(0);
    expect(report.exit_code).toBe(1);
    expect(report.checks.some((check) => check.result === 'fail')).toBe(true);
    expect(stderr).toContain('bronze.stream');
  });
});
