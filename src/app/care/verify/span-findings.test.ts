import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchTxn, streamTxn } from '../../../core/model/pulled.ts';
import type { LoggedVersion, LogReport } from '../../../core/ports/lake-care.ts';
import { spanFindings, standingFindings } from './span-findings.ts';

interface Batch {
  readonly from: number;
  readonly records: number;
  readonly holes: number;
}

function logged(version: number, extra: object): LoggedVersion {
  const note = { format: 1, kind: 'step', run_id: 'r', step_id: `s${version}`, step: 'bronze.t', inputs: {}, ...extra };
  const rows = { rows_added: 0, rows_removed: 0, rows: 0, data_change: true };
  return { version, committed_at_ms: version, operation: 'WRITE', note, ...rows };
}

function batch(version: number, sequence: number, { from, records, holes }: Batch, found = records): LoggedVersion {
  const span = { stream: 't/0', from, next: from + records + holes, holes, records };
  const stat = { size_bytes: 1, mtime_ns: '0', inode: '0', sha256: 'x', status: 'loaded', rejected: 0 };
  const input = { path: `t/${version}`, ...stat, records: found, first_record_line: 1, multiline_records: false };
  const pulled = { source: 't', sequence, position: {}, spans: [span], raw: [] };
  return logged(version, { pulled, input_files: [input] });
}

function report(versions: readonly LoggedVersion[], txns: readonly (readonly [string, number])[] = []): LogReport {
  const table = { layer: 'bronze' as const, name: 't' };
  const sound = { files: [], collected: new Set<number>(), problems: [], orphans: [] };
  return { table, folder: 'bronze/t', versions, txns: new Map(txns), ...sound };
}

/** Batches that go on one from the other. */
const batches = fc
  .array(fc.record({ records: fc.integer({ min: 1, max: 9 }), holes: fc.nat({ max: 3 }) }), {
    minLength: 2,
    maxLength: 8,
  })
  .map((sizes) => {
    let from = 3;
    return sizes.map(({ records, holes }, index) => {
      const one = batch(index, index + 1, { from, records, holes });
      from += records + holes;
      return one;
    });
  });

describe('verify of spans', () => {
  it('finds nothing in batches that go on one from the other, and something in every one that is missing or there twice', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (all, where) => {
        expect(spanFindings(report(all))).toEqual([]);
        const inner = 1 + (where % (all.length - 1));
        const missing = all.filter((_, index) => index !== inner);
        if (inner < all.length - 1)
          expect(spanFindings(report(missing)).map((one) => one.message)).toEqual(
            expect.arrayContaining([expect.stringContaining('numbers are missing')]),
          );
        const twice = [...all.slice(0, inner), ...all.slice(inner - 1)];
        expect(spanFindings(report(twice)).map((one) => one.message)).toEqual(
          expect.arrayContaining([expect.stringContaining('are there twice')]),
        );
      }),
    );
  });

  it('a log whose beginning was collected starts anywhere; units that hold other records than their spans are named', () => {
    const all = [batch(4, 5, { from: 40, records: 2, holes: 0 }), batch(5, 6, { from: 42, records: 3, holes: 1 })];
    expect(spanFindings(report(all))).toEqual([]);
    const wrong = [...all, batch(6, 7, { from: 46, records: 3, holes: 0 }, 2)];
    expect(spanFindings(report(wrong)).map((one) => one.message)).toEqual([
      'version 6 of bronze.t holds another number of records than its spans',
    ]);
  });

  it('after an undo the numbers go on, or a redo begins where the version was that came back', () => {
    const before = [batch(0, 1, { from: 0, records: 5, holes: 0 }), batch(1, 2, { from: 5, records: 5, holes: 0 })];
    const undo = logged(2, { undo: { restored_version: 0 } });
    for (const from of [10, 5])
      expect(spanFindings(report([...before, undo, batch(3, 3, { from, records: 7, holes: 0 })]))).toEqual([]);
    expect(spanFindings(report([...before, undo, batch(3, 3, { from: 7, records: 7, holes: 0 })]))).toHaveLength(1);
  });

  it('the table must stand where its newest batch says', () => {
    const all = [batch(0, 1, { from: 0, records: 5, holes: 0 })];
    const right = [[batchTxn('t'), 1] as const, [streamTxn('t', 't/0'), 5] as const];
    expect(standingFindings(report(all, right))).toEqual([]);
    expect(standingFindings(report(all, [right[0] ?? ['', 0]]))).toHaveLength(1);
  });

  it('a number that no batch accounts for is found, unless the commits that may tell of it were collected', () => {
    const all = [batch(0, 1, { from: 0, records: 5, holes: 0 })];
    const right = [[batchTxn('t'), 1] as const, [streamTxn('t', 't/0'), 5] as const];
    const stale = [...right, [streamTxn('t', 't/3'), 500] as const];
    expect(standingFindings(report(all, stale)).map((one) => one.actual)).toEqual(['source:t:t/3 500']);
    expect(standingFindings(report(all, [...right, [streamTxn('t', 't/3'), -1]]))).toEqual([]);
    expect(standingFindings(report([batch(4, 1, { from: 0, records: 5, holes: 0 })], stale))).toEqual([]);
  });
});
