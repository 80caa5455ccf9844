import { describe, expect, it } from 'vitest';
import { nameHint } from './name-list.ts';

describe('nameHint', () => {
  const many = Array.from({ length: 20 }, (_, i) => `gold.t${i}_of_many`);
  it('names the one that was meant, else a few of those there are', () => {
    expect(nameHint('gold.t3_of_man', many)).toBe('Did you mean gold.t3_of_many?');
    expect(nameHint('xyz', many)).toMatch(/^There are gold\.t0_of_many, .* and 16 more: dataflow status$/);
    expect(nameHint('xyz', many.slice(0, 5))).not.toContain('more');
    expect(nameHint('t3_of_man', many)).toBe('Did you mean gold.t3_of_many?');
    expect(nameHint('xyz', ['silver.a'])).toBe('There is silver.a.');
  });
});
