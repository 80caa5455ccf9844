import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rowHash, TakenRows } from './taken-rows.ts';

it('remembers exactly the rows that were added, through its text', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), fc.array(fc.uint8Array()), (added, others) => {
      const taken = new TakenRows();
      for (const row of added) taken.add(rowHash(row));
      const again = TakenRows.from(taken.toText());
      const known = new Set(added.map((row) => Buffer.from(row).toString('hex')));
      for (const row of [...added, ...others])
        expect(again.has(rowHash(row))).toBe(known.has(Buffer.from(row).toString('hex')));
      expect(again.size).toBe(known.size);
    }),
  );
});

it('has one text for one set', () => {
  const hashes = ['a', 'b', 'c'].map((text) => rowHash(Buffer.from(text)));
  expect(new TakenRows(hashes).toText()).toBe(new TakenRows([...hashes].reverse()).toText());
  expect(TakenRows.from(undefined).size).toBe(0);
});
