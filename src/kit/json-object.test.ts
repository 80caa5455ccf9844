import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonObjectCheck } from './json-object.ts';

const checker = new JsonObjectCheck(['_offset', '_topic']);
const check = (text: string | Buffer) => {
  const bytes = Buffer.from(text as string);
  const ok = checker.check(bytes, 0, bytes.length);
  return ok ? 'yes' : checker.reason;
};

/** What the platform's own reader says. */
function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

describe('JsonObjectCheck', () => {
  it('agrees with JSON.parse on values', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\n'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(check(text) === 'yes').toBe(isObject(text));
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with JSON.parse on objects that were damaged in one place', () => {
    const damaged = fc
      .tuple(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat(),
        fc.constantFrom(...'{}[]",:\\0-1.eEtnu \n\t\0é'),
        fc.nat(2),
      )
      .map(([value, seed, character, kind]) => {
        const text = JSON.stringify(value);
        const at = seed % (text.length + 1);
        return text.slice(0, at) + (kind === 1 ? '' : character) + text.slice(at + (kind === 0 ? 0 : 1));
      });
    fc.assert(
      fc.property(damaged, (text) => {
        // A lone surrogate cannot be written as UTF-8.
        fc.pre(Buffer.from(text).toString() === text);
        expect(check(text) === 'yes', text).toBe(isObject(text));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['', 'it is empty'],
    ['  ', 'it is empty'],
    ['[1]', 'it is not a JSON object'],
    ['null', 'it is not a JSON object'],
    ['{"a":1}{"b":2}', 'it is not JSON: unexpected { at byte 8'],
    ['{"a":1}}', 'it is not JSON: unexpected } at byte 8'],
    ['{"a":01}', 'it is not JSON: unexpected 1 at byte 7'],
    ['{"a":', 'it is not JSON: unexpected end'],
    ['{"a":"x\ny"}', 'it is not JSON: unexpected byte 0x0a at byte 8'],
    ['{"_offset":1}', 'it has a member named _offset, which is a column of ours'],
    ['{"\\u005foffset":1}', 'it has a member named _offset, which is a column of ours'],
    ['{"a":{"_offset":1},"_other":2}', 'yes'],
    [`${'{"a":'.repeat(501)}1${'}'.repeat(501)}`, 'it is nested deeper than 500'],
  ])('%j: %s', (text, verdict) => {
    expect(check(text)).toBe(verdict);
  });

  it('notices bytes that are not UTF-8, line breaks, and an object without members', () => {
    expect(check(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe('it is not UTF-8');
    expect(check('{"é":"ü"}')).toBe('yes');
    expect([checker.has_newline, checker.empty]).toEqual([false, false]);
    expect(check('\n{\r\n}')).toBe('yes');
    expect([checker.has_newline, checker.empty, checker.from, checker.to]).toEqual([true, true, 1, 5]);
    expect(check('{"a":{}}')).toBe('yes');
    expect(checker.empty).toBe(false);
  });
});
