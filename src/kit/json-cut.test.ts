import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutJson, endOfJson, memberOf } from './json-cut.ts';
import { JsonFault } from './json-fault.ts';
import { type JsonPath, parseJsonPath } from './json-path.ts';

const at = (text: string): JsonPath => {
  const path = parseJsonPath(text);
  if (path === undefined) throw new Error(`no path: ${text}`);
  return path;
};

/** The raw texts of the elements at a path. */
function elements(json: string, path: string): readonly string[] {
  const bytes = Buffer.from(json);
  const [found] = cutJson(bytes, [{ path: at(path), wanted: 'elements' }]);
  const list = found?.elements ?? [];
  return Array.from({ length: list.length / 2 }, (_, i) => bytes.toString('utf8', list[2 * i], list[2 * i + 1]));
}

function value(json: string, path: string): string | undefined {
  const bytes = Buffer.from(json);
  const [found] = cutJson(bytes, [{ path: at(path), wanted: 'value' }]);
  return found?.value === undefined ? undefined : bytes.toString('utf8', found.value.start, found.value.end);
}

describe('paths', () => {
  it.each([
    ['$', []],
    ['$.a', ['a']],
    ['$.a.b[*]', ['a', 'b']],
    ['$[0].x', [0, 'x']],
    [`$['a b']["c.d"]`, ['a b', 'c.d']],
  ])('%s', (text, steps) => expect(parseJsonPath(text)?.steps).toEqual(steps));
  it.each(['', 'a', 'a.b', '$.', '$..a', '$[', '$[x]', '$[*].a', '$.a[?(@.b)]', '$ '])('%j is none', (text) =>
    expect(parseJsonPath(text)).toBeUndefined(),
  );
});

describe('cutting', () => {
  it('keeps the bytes of each value', () => {
    const json =
      '\ufeff {"a" : {"b":[ {"n":1.10,"big":12345678901234567890} ,\n"x\\"]", [1,[2]] , null]}, "t": -0e1 } ';
    expect(elements(json, '$.a.b')).toEqual(['{"n":1.10,"big":12345678901234567890}', '"x\\"]"', '[1,[2]]', 'null']);
    expect(value(json, '$.t')).toBe('-0e1');
    expect(value(json, '$.a.b[0].n')).toBe('1.10');
    expect(value(json, '$.a.x')).toBeUndefined();
    expect(value('{"\\u0061":1}', '$.a')).toBe('1');
    expect(memberOf(Buffer.from('{"x":{"a":1},"a":2}'), 0, 'a')).toEqual({ start: 17, end: 18 });
  });

  it('finds the same records as JSON.parse, for any document', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.jsonValue(),
        fc.constantFrom(undefined, 1, '\t'),
        (list, other, indent) => {
          const json = JSON.stringify({ before: other, data: { list }, after: other }, undefined, indent);
          expect(elements(json, '$.data.list').map((text) => JSON.parse(text))).toEqual(
            JSON.parse(JSON.stringify(list)),
          );
          expect(JSON.parse(value(json, '$.after') ?? '')).toEqual(JSON.parse(JSON.stringify(other)));
        },
      ),
    );
  });

  it('notices every cut of a document', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, cut) => {
        const bytes = Buffer.from(JSON.stringify({ data: [object] }));
        const part = bytes.subarray(0, cut % bytes.length);
        expect(() => cutJson(part, [{ path: at('$.data'), wanted: 'elements' }])).toThrow(JsonFault);
      }),
    );
  });

  it('never reads beyond the end nor hangs, whatever the bytes are', () => {
    const bytes = fc.array(fc.constantFrom(...Buffer.from('{}[]",:\\ 1a\n')), { maxLength: 40 });
    fc.assert(
      fc.property(bytes, (list) => {
        const data = Buffer.from(list);
        try {
          const [found] = cutJson(data, [{ path: at('$.a'), wanted: 'elements' }]);
          for (const offset of found?.elements ?? []) expect(offset).toBeLessThanOrEqual(data.length);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonFault);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['', 'empty'],
    ['[1] x', 'after the end'],
    ['[1,]', 'does not allow'],
    ['[1}', 'does not allow'],
    ['{"a" 1}', 'does not allow'],
    ['[{"a":"x\ny"}]', 'control character'],
    [`${'['.repeat(300)}`, 'nested more than'],
    ['"abc', 'cut off'],
    ['"abc\\"', 'cut off'],
  ])('refuses %j', (json, words) =>
    expect(() =>
      cutJson(Buffer.from(json), [
        { path: at('$'), wanted: 'elements' },
        { path: at('$.a'), wanted: 'value' },
      ]),
    ).toThrow(words),
  );

  it('says where a value ends', () => {
    expect(endOfJson(Buffer.from('{"a":[1]} rest'), 0)).toBe(9);
    expect(() => endOfJson(Buffer.from('{"a":[1]'), 0)).toThrow(JsonFault);
  });

  it('finds the columns of an object of arrays', () => {
    const bytes = Buffer.from('{"h":{"a":[1,2],"b":3}}');
    const [found] = cutJson(bytes, [{ path: at('$.h'), wanted: 'columns' }]);
    expect(found?.members.map(({ name, elements: list }) => [name, list?.length])).toEqual([
      ['a', 4],
      ['b', undefined],
    ]);
  });
});
