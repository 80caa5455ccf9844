import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace, type Place } from '../support/fault-project.ts';

/**
 * Case 30 as a table of our own, after the kinds of case that JSON parsers are known to differ in: every text is one file, once as a JSON document
 * (the value of a member of its only record) and once as a line among good ones. What JSON allows is loaded, what it forbids is
 * refused or quarantined.
 */
const ALLOWED: readonly (readonly [name: string, value: string])[] = [
  ['an empty array', '[]'],
  ['an empty object', '{}'],
  ['an array in an array', '[[[]]]'],
  ['blanks of all kinds', ' \t[ 1 ,\t2 ] '],
  ['zero', '0'],
  ['minus zero', '-0'],
  ['a fraction', '0.5'],
  ['an exponent', '1e5'],
  ['an exponent with sign', '1E+2'],
  ['a negative exponent', '1.5e-3'],
  ['an integer beyond 2^64', '123456789012345678901234567890'],
  ['a number too large for a double', '1e999'],
  ['true', 'true'],
  ['null', 'null'],
  ['an empty string', '""'],
  ['escapes', '"\\"\\\\\\/\\b\\f\\n\\r\\t"'],
  ['a pair of surrogates', '"\\ud83d\\ude00"'],
  ['an escaped NUL', '"\\u0000"'],
  ['a delete character', '"\u007f"'],
  ['a non-character', '"\uffff"'],
  ['letters of many scripts', '"é漢😀"'],
  ['brackets in a string', '"]}{["'],
  ['an empty name', '{"":1}'],
  ['an escaped name', '{"\\u0061":1}'],
];

const FORBIDDEN: readonly (readonly [name: string, value: string])[] = [
  ['a trailing comma in an array', '[1,]'],
  ['a trailing comma in an object', '{"x":1,}'],
  ['two commas', '[1,,2]'],
  ['a comma alone', '[,1]'],
  ['a missing comma', '[1 2]'],
  ['a colon in an array', '[1:2]'],
  ['a missing colon', '{"x" 1}'],
  ['two colons', '{"x"::1}'],
  ['a name without quotes', '{x:1}'],
  ['single quotes', "'x'"],
  ['a number as name', '{1:1}'],
  ['a name without value', '{"x"}'],
  ['an unclosed array', '[1'],
  ['an unclosed object', '{"x":1'],
  ['brackets that do not match', '[1}'],
  ['one bracket too many', '[1]]'],
  ['a leading zero', '012'],
  ['a plus sign', '+1'],
  ['a point without digits before', '.5'],
  ['a point without digits behind', '1.'],
  ['an exponent without digits', '1e'],
  ['two signs', '--1'],
  ['a minus alone', '-'],
  ['hexadecimal', '0x1F'],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['True', 'True'],
  ['half a word', 'nul'],
  ['undefined', 'undefined'],
  ['an unknown escape', '"\\x41"'],
  ['a short escape', '"\\u00A"'],
  ['an escape of no hexadecimal digits', '"\\u00GG"'],
  ['half of a surrogate pair', '"\\ud800"'],
  ['the second half of one', '"\\udc00"'],
  ['two first halves', '"\\ud800\\ud800"'],
  ['a tab in a string', '"a\tb"'],
  ['a comment', '1 /* one */'],
  ['a comment to the end', '1 // one'],
  ['a star', '*'],
  ['a no-break space', '\u00a01'],
  ['a form feed', '\f1'],
];

const ALL = [...ALLOWED, ...FORBIDDEN];
let place: Place;
let loaded: ReadonlySet<string>;
let aside: ReadonlyMap<string, number>;

beforeAll(() => {
  const options = 'settle_seconds: 0, schema_change: discard_value, columns: { i: bigint, v: varchar }';
  place = newPlace(
    `sources:\n  document: { type: files, path: "in/*.json", ${options} }\n  lines: { type: files, path: "in/*.ndjson", ${options} }\n`,
  );
  const files = ALL.flatMap(([, value], index) => [
    [`in/${index}.json`, `[{"i":${index},"v":${value}}]`] as const,
    [
      `in/${index}.ndjson`,
      `{"i":-1,"v":"before ${index}"}\n{"i":${index},"v":${value}}\n{"i":-2,"v":"after ${index}"}\n`,
    ] as const,
  ]);
  place.put(Object.fromEntries(files));
  const outcome = place.dataflow(['run']);
  expect(outcome.status, outcome.stderr).toBe(4);
  const rows = place.query(
    'select _file as f from bronze.document union all select _file from bronze.lines where i >= 0',
  );
  loaded = new Set(rows.map((row) => String(row['f'])));
  const bad = place.query(
    'select file, count(*) as n from (select file from quarantine.bronze_document union all select file from quarantine.bronze_lines) group by 1',
  );
  aside = new Map(bad.map((row) => [String(row['file']), Number(row['n'])]));
}, 120_000);
afterAll(() => place.remove());

describe.each(['json', 'ndjson'])('case 30, %s', (ending) => {
  it.each(ALL.map(([name], index) => [name, index < ALLOWED.length ? 'loads' : 'is put aside', index] as const))(
    '%s %s',
    (_, verdict, index) => {
      const file = `in/${index}.${ending}`;
      expect(loaded.has(file)).toBe(verdict === 'loads');
      expect(aside.get(file) ?? 0).toBe(verdict === 'loads' ? 0 : 1);
    },
  );
});

it('case 30: good lines beside bad ones are all there', () => {
  expect(place.query('select count(*) as n from bronze.lines where i < 0')).toEqual([{ n: 2 * ALL.length }]);
});

it('case 30: an integer beyond 2^64 is exact as text', () => {
  expect(place.query("select distinct v from bronze.lines where v like '1234567890123456789%'")).toEqual([
    { v: '123456789012345678901234567890' },
  ]);
});
