import { describe, expect, it } from 'vitest';
import { timeOfId, timeSortedId } from '../../../kit/ids.ts';
import { isStale } from './refuse-whole.ts';
import { standingOf } from './standing.ts';

type Given = Parameters<typeof standingOf>;

/** A table that holds three batches, in a lake and a ledger that know nothing of how they came. */
const node = { key: 'bronze.s', name: 's', layer: 'bronze' } as unknown as Given[1];
const snapshot = { version: 5, txns: new Map([['pulled:s', 3]]) } as unknown as Given[2];
const places = (redo: boolean) =>
  ({
    redo,
    lake: { history: async () => [] },
    ledger: { hold: () => (redo ? {} : undefined), sources: { position: () => undefined } },
  }) as unknown as Given[0];

describe('where a source stands', () => {
  it.each([false, true])(
    'is never taken for the beginning when its batches are known and their notes are gone',
    async (redo) => {
      await expect(standingOf(places(redo), node, snapshot)).rejects.toMatchObject({ code: 'E_LAKE_CORRUPT' });
      expect(await standingOf(places(redo), node, snapshot, true)).toMatchObject({ sequence: 3, position: null });
    },
  );
});

describe('a landed whole', () => {
  it('is of no use after a day, by the identifier of its pull', () => {
    const now = Date.UTC(2026, 10, 21);
    expect(timeOfId(timeSortedId(now))).toBe(now);
    const units = [{ pull: timeSortedId(now) }];
    expect(isStale({ units }, now + 86_400_000)).toBe(false);
    expect(isStale({ units }, now + 86_400_001)).toBe(true);
  });
});
