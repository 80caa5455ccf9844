import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeBins } from './merge-bins.ts';
import { planRetention } from './retention.ts';

const file = fc.record({ size_bytes: fc.integer({ min: 1, max: 150 }), p: fc.constantFrom('a', 'b', null) });

describe('files to write together', () => {
  it('are small neighbours of one partition, two at least, no more than the target', () => {
    fc.assert(
      fc.property(fc.array(file, { maxLength: 30 }), (list) => {
        const files = list.map(({ size_bytes, p }, i) => ({ path: `f${i}`, size_bytes, partition_values: { p } }));
        const by_path = new Map(files.map((one) => [one.path, one]));
        for (const bin of mergeBins(files, 100)) {
          const members = bin.flatMap((path) => by_path.get(path) ?? []);
          expect(members.length).toBeGreaterThan(1);
          expect(members.every((one) => one.size_bytes < 50)).toBe(true);
          expect(members.reduce((sum, one) => sum + one.size_bytes, 0)).toBeLessThanOrEqual(100);
          const own = files.filter((one) => one.partition_values.p === members[0]?.partition_values.p);
          const first = own.findIndex((one) => one.path === bin[0]);
          expect(own.slice(first, first + bin.length).map((one) => one.path)).toEqual(bin);
        }
      }),
    );
  });

  it('become all of them, or none', () => {
    const files = [10, 10, 10].map((size_bytes, i) => ({ path: `f${i}`, size_bytes, partition_values: {} }));
    expect(mergeBins(files, 100)).toEqual([['f0', 'f1', 'f2']]);
    expect(mergeBins(files.slice(0, 1), 100)).toEqual([]);
    expect(mergeBins(files, 15)).toEqual([]);
  });
});

describe('versions that stay', () => {
  const at = (...times: readonly number[]) => times.map((committed_at_ms, version) => ({ version, committed_at_ms }));
  const none = { needed_from: undefined, pins: new Set<number>() };

  it('are those that were the newest within the time that is kept', () => {
    const facts = { ...none, versions: at(10, 20, 30, 40) };
    expect(planRetention({ ...facts, replaced_before_ms: 0 })).toEqual({ from: 0, pinned: [], collected: [] });
    expect(planRetention({ ...facts, replaced_before_ms: 30 })).toEqual({ from: 1, pinned: [], collected: [0] });
    expect(planRetention({ ...facts, replaced_before_ms: 99 })).toEqual({ from: 3, pinned: [], collected: [0, 1, 2] });
  });

  it('and those that somebody needs', () => {
    const facts = { versions: at(1, 2, 3, 4, 5), replaced_before_ms: 99 };
    expect(planRetention({ ...facts, needed_from: 3, pins: new Set([1]) })).toEqual({
      from: 3,
      pinned: [1],
      collected: [0, 2],
    });
    expect(planRetention({ ...none, versions: [], replaced_before_ms: 0 })).toEqual({
      from: 0,
      pinned: [],
      collected: [],
    });
  });

  it('always hold the newest, the pinned, and every version as of any moment that is kept', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { minLength: 1, maxLength: 20 }),
        fc.nat(120),
        fc.uniqueArray(fc.nat(20)),
        (gaps, replaced_before_ms, pinned) => {
          let now = 0;
          const versions = at(...gaps.map((gap) => (now += gap + 1)));
          const { collected } = planRetention({
            versions,
            replaced_before_ms,
            needed_from: undefined,
            pins: new Set(pinned),
          });
          expect(collected).not.toContain(versions.length - 1);
          for (const version of pinned) expect(collected).not.toContain(version);
          for (const { version } of versions)
            if ((versions[version + 1]?.committed_at_ms ?? Number.POSITIVE_INFINITY) >= replaced_before_ms)
              expect(collected).not.toContain(version);
        },
      ),
    );
  });
});
