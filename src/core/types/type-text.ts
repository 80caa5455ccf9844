import { DataflowError } from '../errors/dataflow-error.ts';

/** A type, taken apart. Names are canonical, in lower case; struct members keep the case of theirs. */
export type TypeNode =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly element: TypeNode; readonly length?: number }
  | { readonly kind: 'map'; readonly key: TypeNode; readonly value: TypeNode }
  | { readonly kind: 'struct'; readonly members: readonly StructMember[] };

export interface StructMember {
  readonly name: string;
  readonly type: TypeNode;
}

/** Names that mean the same as a canonical one: those of SQL, PostgreSQL, Spark, Arrow and pandas that people write from habit. */
const SYNONYMS: Readonly<Record<string, string>> = {
  ...aliases('bigint', 'int8 long int64'),
  ...aliases('integer', 'int int4 signed int32'),
  ...aliases('smallint', 'int2 short int16'),
  ...aliases('tinyint', 'int1 byte'),
  ...aliases('ubigint', 'uint64'),
  ...aliases('uinteger', 'uint32'),
  ...aliases('usmallint', 'uint16'),
  ...aliases('utinyint', 'uint8'),
  ...aliases('hugeint', 'int128'),
  ...aliases('varchar', 'text string char bpchar nvarchar character'),
  'character varying': 'varchar',
  ...aliases('boolean', 'bool logical'),
  ...aliases('double', 'float8 float64'),
  'double precision': 'double',
  ...aliases('float', 'float4 real float32'),
  ...aliases('blob', 'bytea binary varbinary'),
  ...aliases('timestamp', 'datetime timestamp_us timestamp_ntz'),
  'timestamp without time zone': 'timestamp',
  ...aliases('timestamptz', 'instant timestamp_ltz'),
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
  ...aliases('bit', 'bitstring'),
  '"null"': 'null',
};

function aliases(canonical: string, names: string): Readonly<Record<string, string>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, canonical]));
}

const TEXT_CHARS_MAX = 100_000;
const DEPTH_MAX = 32;
const TOKEN = /\s*(?:('(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|[()[\],])|(\S))/gu;
/** What DuckDB takes a DECIMAL without arguments for. */
const DECIMAL_DEFAULT = { precision: 18, scale: 3 };

/** @throws DataflowError E_TYPE_UNSUPPORTED for a text that is not a type at all. Unknown names are left to the reader of the tree. */
export function parseType(text: string): TypeNode {
  if (text.length > TEXT_CHARS_MAX) throw notAType(text, `it is longer than ${TEXT_CHARS_MAX} characters`);
  const tokens: string[] = [];
  for (const [, token, stray] of text.trim().matchAll(TOKEN)) {
    if (token === undefined) throw notAType(text, `${JSON.stringify(stray)} has no place in it`);
    tokens.push(token);
  }
  const parser = new TypeParser(text, tokens);
  const node = parser.type(0);
  parser.end();
  return node;
}

function notAType(text: string, why: string): DataflowError {
  return new DataflowError('E_TYPE_UNSUPPORTED', `${JSON.stringify(text.slice(0, 80))} is not a type: ${why}`, {
    hint: 'Examples: bigint, decimal(12,2), varchar, date, timestamptz, varchar[], struct(a integer).',
  });
}

/** Recursive descent over the tokens. */
class TypeParser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string, tokens: readonly string[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  type(depth: number): TypeNode {
    if (depth > DEPTH_MAX) throw notAType(this.#text, `it is nested deeper than ${DEPTH_MAX}`);
    let node = this.#base(depth);
    for (let lists = 0; this.#tokens[this.#at] === '['; lists++) {
      if (depth + lists >= DEPTH_MAX) throw notAType(this.#text, `it is nested deeper than ${DEPTH_MAX}`);
      this.#at += 1;
      const length = /^\d+$/.test(this.#tokens[this.#at] ?? '') ? this.#number() : undefined;
      this.#take(']');
      node = { kind: 'list', element: node, ...(length === undefined ? {} : { length }) };
    }
    return node;
  }

  end(): void {
    const left = this.#tokens[this.#at];
    if (left !== undefined) throw notAType(this.#text, `${left} comes after its end`);
  }

  #base(depth: number): TypeNode {
    const first = this.#word().toLowerCase();
    if (first === 'struct') return { kind: 'struct', members: this.#commaList(() => this.#member(depth)) };
    if (first === 'map') return this.#map(depth);
    if (first === 'enum') return { kind: 'enum', values: this.#commaList(() => this.#quoted()) };
    const before = this.#words(first);
    const args = this.#tokens[this.#at] === '(' ? this.#commaList(() => this.#number()) : [];
    const name = this.#words(before);
    if (/^(decimal|numeric|dec)$/.test(name)) return this.#decimal(args);
    return { kind: 'plain', name: Object.hasOwn(SYNONYMS, name) ? (SYNONYMS[name] ?? name) : name };
  }

  #decimal(args: readonly number[]): TypeNode {
    const [precision, scale = 0] = args;
    if (precision === undefined) return { kind: 'decimal', ...DECIMAL_DEFAULT };
    if (precision < 1 || precision > 38 || scale > precision)
      throw notAType(this.#text, 'a decimal has 1 to 38 digits, and not more of them behind the point');
    return { kind: 'decimal', precision, scale };
  }

  #map(depth: number): TypeNode {
    const [key, value, more] = this.#commaList(() => this.type(depth + 1));
    if (key === undefined || value === undefined || more !== undefined)
      throw notAType(this.#text, 'a map has a key and a value type');
    return { kind: 'map', key, value };
  }

  #member(depth: number): StructMember {
    const token = this.#word();
    const name = token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
    return { name, type: this.type(depth + 1) };
  }

  #commaList<T>(one: () => T): readonly T[] {
    this.#take('(');
    const found = [one()];
    while (this.#tokens[this.#at] === ',') {
      this.#at += 1;
      found.push(one());
    }
    this.#take(')');
    return found;
  }

  /** Names of several words: `double precision`, `timestamp (6) with time zone`. */
  #words(first: string): string {
    let name = first;
    for (
      let token = this.#tokens[this.#at];
      token !== undefined && /^\p{L}/u.test(token);
      token = this.#tokens[this.#at]
    ) {
      name += ` ${token.toLowerCase()}`;
      this.#at += 1;
    }
    return name;
  }

  #word(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined || /^['()[\],]/.test(token))
      throw notAType(this.#text, token === undefined ? 'it ends too early' : `a name was expected before ${token}`);
    this.#at += 1;
    return token;
  }

  #quoted(): string {
    const token = this.#tokens[this.#at] ?? '';
    if (!token.startsWith("'") || token.length < 2)
      throw notAType(this.#text, 'the values of an enum stand in single quotes');
    this.#at += 1;
    return token.slice(1, -1).replaceAll("''", "'");
  }

  #number(): number {
    const token = this.#tokens[this.#at] ?? '';
    if (!/^\d{1,6}$/.test(token)) throw notAType(this.#text, 'a number was expected');
    this.#at += 1;
    return Number(token);
  }

  #take(token: string): void {
    if (this.#tokens[this.#at] !== token) throw notAType(this.#text, `${token} is missing`);
    this.#at += 1;
  }
}

/** The one spelling of a type. Struct members are always quoted, so that equal types are equal texts. */
export function renderType(node: TypeNode): string {
  switch (node.kind) {
    case 'plain':
      return node.name;
    case 'decimal':
      return `decimal(${node.precision},${node.scale})`;
    case 'enum':
      return `enum(${node.values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ')})`;
    case 'list':
      return `${renderType(node.element)}[${node.length ?? ''}]`;
    case 'map':
      return `map(${renderType(node.key)}, ${renderType(node.value)})`;
    case 'struct':
      return `struct(${node.members.map((member) => `${quoted(member.name)} ${renderType(member.type)}`).join(', ')})`;
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
