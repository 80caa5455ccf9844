import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Expected } from '../src/core/ports/generator.ts';

/**
 * The retail demo as a user runs it: generated data with faults (several seeds) and a small hand-made set. What a run found is held against
 * the numbers written beside the data, and every table against pandas (only where DATAFLOW_PYTHON names a Python with pandas and deltalake).
 */
const BINARY = resolve('bin/dataflow.js');
const ORACLE = resolve('test/oracle/retail.py');
const SMALL = resolve('fixtures/small');
const PYTHON = process.env['DATAFLOW_PYTHON'];
const WHY_SKIPPED = PYTHON === undefined ? ' — skipped: DATAFLOW_PYTHON names no Python' : '';
const TIMEOUT_MS = 120_000;

const root = mkdtempSync(join(tmpdir(), 'dataflow-retail-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function newProject(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  cpSync(resolve('pipelines.yaml'), join(folder, 'pipelines.yaml'));
  cpSync(resolve('models'), join(folder, 'models'), { recursive: true });
  return folder;
}

function dataflow(folder: string, ...args: readonly string[]): string {
  const child = spawnSync(process.execPath, [BINARY, ...args], { cwd: folder, encoding: 'utf8', timeout: TIMEOUT_MS });
  if (child.status !== 0) throw new Error(`dataflow ${args.join(' ')} ended with ${child.status}: ${child.stderr}`);
  return child.stdout;
}

function query(folder: string, sql: string): readonly Record<string, unknown>[] {
  return JSON.parse(dataflow(folder, 'query', '--format', 'json', sql)) as Record<string, unknown>[];
}

interface Step {
  readonly step: string;
  readonly balance: Record<string, number>;
}

/** What the run reported, in the words of the expected numbers. */
function found(folder: string): Pick<Expected, 'bronze' | 'silver'> {
  const { steps } = JSON.parse(dataflow(folder, 'run', '--format', 'json')) as { readonly steps: readonly Step[] };
  const balance = (step: string): Record<string, number> => steps.find((one) => one.step === step)?.balance ?? {};
  const bronze = (name: string): Expected['bronze'][string] => {
    const { rows_in = -1, rows_out = -1, quarantined = -1 } = balance(`bronze.${name}`);
    return { records: rows_in, rejected: quarantined, rows: rows_out };
  };
  const silver = (name: string): Expected['silver'][string] => {
    const {
      rows_in = -1,
      rows_out = -1,
      quarantined = -1,
      deduplicated = -1,
      filtered = -1,
    } = balance(`silver.${name}`);
    const rules = query(folder, `select rule, count(*) as n from quarantine.silver_${name} group by rule`);
    const by_rule = Object.fromEntries(rules.map((row) => [String(row['rule']), Number(row['n'])]));
    return { rows_in, rows_out, quarantined, deduplicated, filtered, by_rule };
  };
  return {
    bronze: { clients: bronze('clients'), achats: bronze('achats') },
    silver: { clients: silver('clients'), achats: silver('achats') },
  };
}

/** A rule that nothing broke is not in the quarantine. */
function withoutZeros(expected: Pick<Expected, 'bronze' | 'silver'>): Pick<Expected, 'bronze' | 'silver'> {
  const silver = Object.fromEntries(
    Object.entries(expected.silver).map(([name, table]) => {
      const by_rule = Object.fromEntries(Object.entries(table.by_rule).filter(([, rows]) => rows > 0));
      return [name, { ...table, by_rule }];
    }),
  );
  return { bronze: expected.bronze, silver };
}

function compareWithPandas(data: string, lake: string): void {
  const child = spawnSync(PYTHON ?? '', [ORACLE, data, lake], { encoding: 'utf8', timeout: TIMEOUT_MS });
  expect(child.stdout + child.stderr).not.toMatch(/differences|Traceback/);
  expect(child.status).toBe(0);
}

describe.each([
  { seed: 1, args: ['--bad', '2%'] },
  { seed: 7, args: ['--bad', '30%', '--rows', '5000'] },
  { seed: 11, args: ['--bad', '10%', '--rows', '3000', '--gzip'] },
])('generated data, seed $seed', ({ seed, args }) => {
  let folder = '';
  let expected: Expected;
  beforeAll(() => {
    folder = newProject(`seed-${seed}`);
    dataflow(folder, 'generate', '--seed', String(seed), ...args);
    expected = JSON.parse(readFileSync(join(folder, 'data/_expected.json'), 'utf8')) as Expected;
  }, TIMEOUT_MS);

  it('a run finds exactly the faults that were put in', { timeout: TIMEOUT_MS }, () => {
    expect(expected.silver['achats']?.quarantined).toBeGreaterThan(0);
    expect(expected.silver['achats']?.deduplicated).toBeGreaterThan(0);
    expect(expected.bronze['achats']?.rejected).toBeGreaterThan(0);
    expect(found(folder)).toEqual(withoutZeros(expected));
  });

  it.skipIf(PYTHON === undefined)(`every table agrees with pandas${WHY_SKIPPED}`, { timeout: TIMEOUT_MS }, () =>
    compareWithPandas(join(folder, 'data'), join(folder, 'lake')),
  );
});

describe.each(['ndjson', 'parquet'])('generated data as %s', (format) => {
  it('a run finds exactly the faults that were put in', { timeout: TIMEOUT_MS }, () => {
    const folder = newProject(format);
    dataflow(folder, 'generate', '--seed', '3', '--bad', '5%', '--format', format);
    const expected = JSON.parse(readFileSync(join(folder, 'data/_expected.json'), 'utf8')) as Expected;
    expect(expected.silver['achats']?.quarantined).toBeGreaterThan(0);
    expect(found(folder)).toEqual(withoutZeros(expected));
  });
});

describe('a small set with one example of each fault', () => {
  interface ByHand extends Pick<Expected, 'bronze' | 'silver'> {
    readonly tables: Readonly<Record<string, readonly Record<string, unknown>[]>>;
  }
  const byHand = JSON.parse(readFileSync(join(SMALL, 'expected.json'), 'utf8')) as ByHand;
  let folder = '';
  beforeAll(() => {
    folder = newProject('small');
    cpSync(join(SMALL, 'data'), join(folder, 'data'), { recursive: true });
  });

  it('gives the rows, rejects and figures worked out by hand', { timeout: TIMEOUT_MS }, () => {
    expect(found(folder)).toEqual({ bronze: byHand.bronze, silver: byHand.silver });
    for (const [table, rows] of Object.entries(byHand.tables)) {
      const columns = Object.keys(rows[0] ?? {});
      const [key = ''] = columns;
      const actual = query(folder, `select ${columns.map(asNumber).join(', ')} from ${table} order by ${key}`);
      expect(actual, table).toEqual(rows);
    }
  });

  it.skipIf(PYTHON === undefined)(`every table agrees with pandas${WHY_SKIPPED}`, { timeout: TIMEOUT_MS }, () =>
    compareWithPandas(join(folder, 'data'), join(folder, 'lake')),
  );
});

/** Decimals are printed as text to keep their digits; here they are compared as numbers. */
function asNumber(column: string): string {
  return /^(ca_|total_ca|prix_|panier_|taux_)/.test(column) ? `cast(${column} as double) as ${column}` : column;
}
