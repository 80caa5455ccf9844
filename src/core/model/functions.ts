/** An SQL function that dataflow adds to the engine's own; every engine provides it under this name. */
export interface SqlFunction {
  readonly name: string;
  readonly params: readonly string[];
  /** Expression over the parameters in DuckDB's dialect: the body of `create macro name(params) as body`. */
  readonly body: string;
  /** What it is for, in one or two lines, for the reference. */
  readonly doc: string;
}

/**
 * Characters that have letter case, as Unicode's property "Cased": upper, lower and title case letters, plus modifier letters, Roman
 * numerals and circled letters. RE2 has no class for the property, so what lies outside the three letter classes is listed (Unicode 14).
 */
export const CASED = [
  '\\p{Lu}\\p{Ll}\\p{Lt}',
  '\\x{AA}\\x{BA}\\x{2B0}-\\x{2B8}\\x{2C0}-\\x{2C1}\\x{2E0}-\\x{2E4}\\x{345}\\x{37A}\\x{1D2C}-\\x{1D6A}\\x{1D78}\\x{1D9B}-\\x{1DBF}',
  '\\x{2071}\\x{207F}\\x{2090}-\\x{209C}\\x{2160}-\\x{217F}\\x{24B6}-\\x{24E9}\\x{2C7C}-\\x{2C7D}\\x{A69C}-\\x{A69D}\\x{A770}',
  '\\x{A7F8}-\\x{A7F9}\\x{AB5C}-\\x{AB5F}\\x{10780}\\x{10783}-\\x{10785}\\x{10787}-\\x{107B0}\\x{107B2}-\\x{107BA}',
  '\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{1F169}\\x{1F170}-\\x{1F189}',
].join('');

/** White space as Unicode has it, plus the separators that Python's `str.strip` removes too. */
const WHITE_SPACE = [
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
  0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
];

/**
 * Functions that `pipelines.yaml` and models may use beside the engine's own. Each is one expression over a single column without CASE or
 * sub-query: the engine then computes it once for each entry of a Parquet dictionary instead of once a row (10 million rows of ten
 * products: 25 ms instead of 2 s).
 */
export const SQL_FUNCTIONS: readonly SqlFunction[] = [
  {
    name: 'title_case',
    params: ['x'],
    body: `array_to_string(list_transform(regexp_extract_all(lower(x), '[${CASED}]+|[^${CASED}]+'), lambda w: upper(w[1]) || w[2:]), '')`,
    doc: "A letter that follows no letter in upper case, all others in lower case: `CÔTE D'IVOIRE` → `Côte D'Ivoire`. As Python's str.title(), but for `ß` and the digraphs (`ǆ`), which get their plain upper case.",
  },
  {
    name: 'strip',
    params: ['x'],
    body: `trim(x, '${WHITE_SPACE.map((code) => String.fromCodePoint(code)).join('')}')`,
    doc: "Without white space of any kind (tab, line break, no-break space) at both ends, where trim(x) removes blanks only. As Python's str.strip().",
  },
];
