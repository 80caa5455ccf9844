import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';

const BINARY = resolve('bin/dataflow.js');
const root = mkdtempSync(join(tmpdir(), 'dataflow-init-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function newFolder(): string {
  const folder = join(root, `p${++count}`);
  mkdirSync(join(folder, 'in'), { recursive: true });
  return folder;
}

function dataflow(folder: string, ...args: readonly string[]) {
  return spawnSync(process.execPath, [BINARY, ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
}

describe('init --from', { timeout: 60_000 }, () => {
  it('groups files, infers columns and keys, and what it writes runs at once', () => {
    const folder = newFolder();
    writeFileSync(
      join(folder, 'in/orders-2024-01.csv'),
      'id,day,amount,Kind of Thing\n1,2024-01-01,10.5,a\n2,2024-01-02,3,b\n',
    );
    writeFileSync(join(folder, 'in/orders-2024-02.csv'), 'id,day,amount,Kind of Thing\n3,2024-02-01,1,a\n');
    writeFileSync(
      join(folder, 'in/events.ndjson.gz'),
      gzipSync('{"at":"2024-01-01T10:00:00Z","n":1}\n{"at":"2024-01-01T11:00:00Z","n":2}\n'),
    );
    writeFileSync(join(folder, 'in/broken.csv'), '');
    const made = dataflow(folder, 'init', '--from', 'in', '--yes', '--format', 'json');
    expect(made.status, made.stderr).toBe(0);
    const report = JSON.parse(made.stdout) as {
      sources: { name: string; files: number; key?: string; columns: { name: string; type: string }[] }[];
      skipped: { path: string }[];
    };
    expect(report.sources.map((one) => [one.name, one.files, one.key])).toEqual([
      ['events', 1, undefined],
      ['orders', 2, 'id'],
    ]);
    expect(report.sources[1]?.columns.map((one) => one.type)).toEqual(['bigint', 'date', 'double', 'varchar']);
    expect(report.skipped.map((one) => one.path)).toEqual(['in/broken.csv']);
    expect(dataflow(folder, 'validate').status).toBe(0);
    const run = dataflow(folder, 'run', '--format', 'json');
    expect(run.status, run.stderr).toBe(0);
    const found = dataflow(
      folder,
      'query',
      '--format',
      'csv',
      'select count(*) as n, sum(amount) as total from silver.orders',
    );
    expect(found.stdout).toBe('n,total\n3,14.5\n');
  });

  it('does not replace a configuration, and says what it could not read', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'pipelines.yaml'), 'mine');
    const again = dataflow(folder, 'init');
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('exists already')]);
    expect(readFileSync(join(folder, 'pipelines.yaml'), 'utf8')).toBe('mine');
    const empty = dataflow(newFolder(), 'init', '--from', 'in', '--yes');
    expect([empty.status, empty.stderr]).toEqual([2, expect.stringContaining('no data files')]);
  });

  it('without files writes a commented example that validates', () => {
    const folder = newFolder();
    expect(dataflow(folder, 'init', '--yes', '--name', 'shop').status).toBe(0);
    expect(readFileSync(join(folder, 'pipelines.yaml'), 'utf8')).toContain('name: shop');
    const checked = dataflow(folder, 'validate');
    expect(checked.status, checked.stderr).toBe(0);
  });

  it('its examples are right: without the comment signs they validate, too', () => {
    const folder = newFolder();
    dataflow(folder, 'init', '--yes');
    const file = join(folder, 'pipelines.yaml');
    const text = readFileSync(file, 'utf8').replaceAll(/^# (?= |[a-z]+:$)/gm, '');
    writeFileSync(file, text);
    const checked = spawnSync(process.execPath, [BINARY, 'validate'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ERP_URL: 'postgresql://localhost/erp' },
    });
    expect(checked.status, checked.stderr).toBe(0);
    expect(checked.stdout).toContain('5 bronze');
  });
});
