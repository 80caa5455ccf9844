import { expect, it } from 'vitest';
import { differences } from './transcript-compare.ts';

it('prose is the same however it is broken into lines and whenever it was said; other words are not', () => {
  const written = ['  warehouse: 127.0.0.1:21247/shop, loaded 2026-11-21', '    21:30:12 UTC'];
  expect(differences(written, ['  warehouse: 127.0.0.1:9/shop, loaded 2027-01-02 03:04:05 UTC'])).toEqual([]);
  expect(differences(written, ['  warehouse: 127.0.0.1:9/shop, lost 2027-01-02 03:04:05 UTC'])).toHaveLength(1);
  expect(differences(written, written.slice(0, 1))).toHaveLength(1);
});

it('lines of tables and of JSON stay lines', () => {
  const table = ['step  rows', '----  ----', 'a     1', 'b     2'];
  expect(differences(table, [...table.slice(0, 3), 'b     3'])).toEqual(['- b     2\n+ b     3']);
  expect(differences(['{', '  "a": 1,', '  "b": 2'], ['{', '  "a": 1, "b": 2'])).not.toEqual([]);
});

it('a machine that is slow waits for no file to settle, and says nothing of it', () => {
  const waits = 'some files were written just now; waiting 1.6 s for them to settle';
  expect(differences([waits, 'nothing to do'], ['nothing to do'])).toEqual([]);
  expect(differences([waits, 'nothing to do'], [waits, '1 published'])).toHaveLength(1);
});
