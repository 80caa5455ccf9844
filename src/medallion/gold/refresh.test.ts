import { describe, expect, it } from 'vitest';
import { touchedWhere, withoutTouched } from './refresh.ts';

describe('conditions on touched values', () => {
  const touched = (values: readonly string[], has_null: boolean) => ({ values, has_null, mayHold: () => true });
  it('quote values and names, and hold NULL apart', () => {
    expect(touchedWhere(touched(["o'c"], false), '"a""b"')).toBe(`(("a""b" in ('o''c')))`);
    expect(touchedWhere(touched([], true), '"d"')).toBe('("d" is null)');
    expect(touchedWhere(touched([], false), '"d"')).toBe('false');
    expect(withoutTouched(touched(['1'], true), '"d"')).toBe(`not coalesce((("d" in ('1')) or "d" is null), false)`);
  });
});
