import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemberScan } from './member-scan.ts';

function scan(kind: 'json' | 'ndjson', text: string, cuts: readonly number[] = []): MemberScan {
  const members = new MemberScan(kind);
  const bytes = Buffer.from(text);
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    members.push(bytes.subarray(from, to));
    from = to;
  }
  return members;
}

const value = fc.jsonValue({ maxDepth: 3 });
const record = fc.dictionary(fc.oneof(fc.constantFrom('id', 'v', 'né', 'a"b', '\u0001'), fc.string()), value, {
  maxKeys: 5,
});

describe('case 30 and 31: members of records', () => {
  it('counts the members of every record, wherever the text is cut', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), fc.boolean(), fc.nat(), (records, lines, at) => {
        const text = lines
          ? records.map((one) => `${JSON.stringify(one)}\n`).join('')
          : JSON.stringify(records, null, 1);
        const cut = at % (Buffer.byteLength(text) + 1);
        const members = scan(lines ? 'ndjson' : 'json', text, [cut]);
        const expected = new Map<string, number>();
        for (const one of records)
          for (const name of Object.keys(one)) expected.set(name, (expected.get(name) ?? 0) + 1);
        expect(new Map((members.end() ?? []).map((field) => [field.name, field.records]))).toEqual(expected);
        expect(members.doubtful).toBe(false);
      }),
    );
  });

  it('says of records that look alike what it says when it reads each byte by itself', () => {
    const values = fc.constantFrom(
      '1',
      '-2.5e3',
      '"x"',
      '"é,}"',
      '"a\\"b"',
      '"\\\\"',
      'true',
      'null',
      'nan',
      'NaN',
      '[]',
      '[1, 2]',
      '[1,]',
      '{"a":{"a":1}}',
      '{}',
      '{"x":[{"y":"}"}]}',
      '"',
      'x',
      '1-2',
      '"a\nb"',
      '{"a":1,}',
      '[1\n,2]',
    );
    const shape = fc.constantFrom(
      (a: string, b: string) => `{"a":${a},"b":${b}}`,
      (a: string, b: string) => `{ "a" : ${a} , "b" : ${b} }`,
      (a: string, b: string) => `{"b":${b},"a":${a}}`,
      (a: string) => `{"a":${a}}`,
      (a: string, b: string) => `{"a":${a},"a":${b}}`,
      (a: string, b: string) => `{"\\u0061":${a},"b":${b}}`,
      () => '{}',
      (a: string) => `{"a":${a}`,
      (a: string) => a,
    );
    const line = fc.tuple(shape, values, values).map(([make, a, b]) => make(a, b));
    // Mostly alike, so that shapes are met again.
    const lines = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant('{"a":1,"b":"two"}') }, line), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(lines, fc.constantFrom('ndjson', 'json'), fc.nat(), (texts, kind, at) => {
        const text = kind === 'ndjson' ? texts.join('\n') : `[${texts.join(',\n')}]`;
        const length = Buffer.byteLength(text);
        const quick = scan(kind, text, [at % (length + 1)]);
        const slow = scan(
          kind,
          text,
          Array.from({ length }, (_, index) => index),
        );
        expect(quick.end()).toEqual(slow.end());
        expect(quick.doubtful).toBe(slow.doubtful);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a member twice', '{"a":1,"a":2}\n', true],
    ['in two spellings', '{"a":1,"\\u0061":2}\n', true],
    ['twice, but in two records', '{"a":1}\n{"a":2}\n', false],
    ['twice, but deeper down', '{"a":{"b":1,"b":2}}\n', false],
    ['a comma too many', '{"a":[1, ]}\n', true],
    ['NaN', '{"a":NaN}\n', true],
    ['nan', '{"a":nan}\n', true],
    ['all words of JSON', '{"a":[true,false,null,1E5]}\n', false],
    ['the same in a string', '{"a":",] NaN"}\n', false],
    ['a broken line does not spoil the next', '{"a":"x\n{"a":1}\n', false],
  ])('%s', (_, text, doubtful) => {
    expect(scan('ndjson', text).doubtful).toBe(doubtful);
  });
});
