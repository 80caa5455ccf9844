import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from './shell-word.ts';

describe('shellWord', () => {
  it('leaves plain words alone', () => {
    for (const word of ['run', '--select', 'gold.kpi+', '+silver.achats', 'tag:x,path:models/a.sql', '2024-01-01'])
      expect(shellWord(word)).toBe(word);
  });

  it('writes what a shell reads as the same words', () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom(...'ab *\'"$\\`;|&<>()~é') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const script = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
        expect(execFileSync('/bin/sh', ['-c', script]).toString().split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 40 },
    );
  });
});
