import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutJson } from './json-cut.ts';
import { JsonFault } from './json-fault.ts';
import { type JsonPath, parseJsonPath } from './json-path.ts';
import { isBeside, JsonPieces } from './json-pieces.ts';

const at = (text: string): JsonPath => parseJsonPath(text) ?? { text: '$', steps: [] };

/** Elements and values as texts, or what is wrong and where. */
interface Found {
  readonly elements?: readonly string[];
  readonly values?: readonly (string | undefined)[];
  readonly fault?: string;
}

function faultIn(work: () => Found): Found {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    // What it shows of the place depends on how much of it has come.
    return { fault: `${error.message.replace(/^".*" stands/, 'stands')} at ${error.offset}` };
  }
}

function whole(bytes: Buffer, array: string, values: readonly string[]): Found {
  return faultIn(() => {
    const wished = [
      { path: at(array), wanted: 'elements' as const },
      ...values.map((path) => ({ path: at(path), wanted: 'value' as const })),
    ];
    const [found, ...others] = cutJson(bytes, wished);
    const list = found?.elements ?? [];
    return {
      elements: Array.from({ length: list.length / 2 }, (_, i) => bytes.toString('utf8', list[2 * i], list[2 * i + 1])),
      values: others.map(({ value }) =>
        value === undefined ? undefined : bytes.toString('utf8', value.start, value.end),
      ),
    };
  });
}

/** The same by pieces of these sizes, in turn. What was handed out is overwritten, as its owner may. */
function pieces(bytes: Buffer, array: string, values: readonly string[], sizes: readonly number[]): Found {
  return faultIn(() => {
    const reading = new JsonPieces(at(array), values.map(at));
    let [elements, round] = [[] as string[], 0];
    let [from, to, turn] = [0, 0, 0];
    for (let last = false; !last; ) {
      to = Math.min(bytes.length, to + (sizes[turn++ % sizes.length] ?? 1));
      last = to === bytes.length;
      const window = Buffer.from(bytes.subarray(from, to));
      const used = reading.run(window, last);
      if (round !== reading.rounds) [elements, round] = [[], reading.rounds];
      for (let i = 0; i < reading.elements.length; i += 2)
        elements.push(window.toString('utf8', reading.elements[i], reading.elements[i + 1]));
      from += used;
    }
    return { elements: reading.kind === 'array' ? elements : [], values: reading.texts() };
  });
}

const SIZES = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });

describe('a document in pieces', () => {
  it('has the elements and values that it has as a whole, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.jsonValue(),
        fc.constantFrom(undefined, 1, '\t'),
        SIZES,
        (list, other, indent, sizes) => {
          const text = JSON.stringify(
            { a: other, data: { n: 5, list, o: other }, b: [other], c: 'x' },
            undefined,
            indent,
          );
          const values = ['$.a', '$.b[0]', '$.data.o', '$.c', '$.data.list[1]', '$.data.list[0].id', '$.missing'];
          const found = pieces(Buffer.from(text), '$.data.list', values, sizes);
          expect(found).toEqual(whole(Buffer.from(text), '$.data.list', values));
          expect(found.elements).toHaveLength(list.length);
        },
      ),
    );
  });

  it('has the same fault at the same place, whatever the bytes are', () => {
    const text = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', ' ', '\n', '"a"', '"b":', '"', '\\', '1', 'null'),
    );
    fc.assert(
      fc.property(text, fc.constantFrom('$', '$.a', '$[0]', '$.a[1].b'), SIZES, (parts, array, sizes) => {
        const bytes = Buffer.from(parts.join(''));
        const values = ['$.b', '$.a.b'].filter((value) => isBeside(at(value), at(array)));
        expect(pieces(bytes, array, values, sizes)).toEqual(whole(bytes, array, values));
      }),
      { numRuns: 2000 },
    );
  });

  it('notices every cut of it', () => {
    const bytes = Buffer.from('\ufeff{"data":[{"id":1,"x":"\u00e9"},[2],3.5e1],"next":null}');
    for (let end = 3; end < bytes.length; end++)
      expect(pieces(bytes.subarray(0, end), '$.data', ['$.next'], [3]).fault).toBeDefined();
    expect(pieces(bytes, '$.data', ['$.next'], [3])).toMatchObject({ elements: { length: 3 }, values: ['null'] });
  });

  it('a member that stands twice counts as it stands the last time', () => {
    const text = '{"data":[1,2,3],"data":[4]}';
    expect(pieces(Buffer.from(text), '$.data', [], [5]).elements).toEqual(['4']);
    expect(pieces(Buffer.from('{"data":[1,2,3],"data":7}'), '$.data', [], [5]).elements).toEqual([]);
  });
});

it.each([
  ['$.next', '$.data', true],
  ['$.data.next', '$.data.list', true],
  ['$.data[0].id', '$.data', true],
  ['$.x', '$', true],
  ['$.data', '$.data', false],
  ['$.data', '$.data.list', false],
  ['$', '$.data', false],
])('%s is beside %s: %s', (value, array, beside) => expect(isBeside(at(value), at(array))).toBe(beside));
