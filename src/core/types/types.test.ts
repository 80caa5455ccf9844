import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedColumns } from './stored-columns.ts';
import { parseType, renderType, type TypeNode } from './type-text.ts';
import { canonicalType, storageOf, typeFromDelta } from './types.ts';

describe('canonicalType', () => {
  it.each([
    ['INT', 'integer'],
    [' Text ', 'varchar'],
    ['VARCHAR(20)', 'varchar'],
    ['character varying (20)', 'varchar'],
    ['NUMERIC (12, 2)', 'decimal(12,2)'],
    ['decimal(9)', 'decimal(9,0)'],
    ['numeric', 'decimal(18,3)'],
    ['Timestamp  With Time Zone', 'timestamptz'],
    ['timestamp(6) with time zone', 'timestamptz'],
    ['timestamp without time zone', 'timestamp'],
    ['DOUBLE PRECISION[]', 'double[]'],
    ['int[3][]', 'integer[3][]'],
    ['"NULL"', 'null'],
    ["ENUM('a', 'it''s, (b)')", "enum('a', 'it''s, (b)')"],
    ['MAP(VARCHAR, int[])', 'map(varchar, integer[])'],
    [
      'STRUCT(Prix DECIMAL(4,2), "a ""b""" STRUCT(x int)[])',
      'struct("Prix" decimal(4,2), "a ""b""" struct("x" integer)[])',
    ],
  ])('%s is %s', (text, canonical) => expect(canonicalType(text)).toBe(canonical));

  it.each([
    '',
    '(',
    'decimal(0)',
    'decimal(39,2)',
    'decimal(5,6)',
    'map(int)',
    'map(int, int, int)',
    'struct()',
    'struct(a)',
    'int)',
    'int; drop table x',
    'enum(a)',
    'int[',
    `${'struct(a '.repeat(50)}int${')'.repeat(50)}`,
    `int${'[]'.repeat(50)}`,
  ])('refuses %s', (text) =>
    expect(() => canonicalType(text)).toThrow(expect.objectContaining({ code: 'E_TYPE_UNSUPPORTED' })),
  );
});

describe('storageOf', () => {
  it.each([
    ['hugeint', 'decimal(38,0)', 'decimal(38,0)', 'hugeint'],
    ['ubigint', 'decimal(20,0)', 'decimal(20,0)', 'ubigint'],
    ['uinteger', 'bigint', 'long', 'uinteger'],
    ['usmallint', 'integer', 'integer', 'usmallint'],
    ['utinyint', 'smallint', 'short', 'utinyint'],
    ['timestamptz', 'timestamptz', 'timestamp', undefined],
    ['timestamp', 'timestamp', 'timestamp_ntz', undefined],
    ['timestamp_ns', 'timestamp', 'timestamp_ntz', 'timestamp_ns'],
    ['time', 'varchar', 'string', 'time'],
    ['uuid', 'varchar', 'string', 'uuid'],
    ['json', 'varchar', 'string', 'json'],
    ["enum('x')", 'varchar', 'string', "enum('x')"],
    ['decimal(12,2)', 'decimal(12,2)', 'decimal(12,2)', undefined],
    ['"NULL"', 'varchar', 'string', undefined],
  ])('%s is stored as %s, Delta %s', (type, column_type, delta, kept_as) => {
    expect(storageOf(type, 't.c')).toEqual({ column_type, delta, ...(kept_as === undefined ? {} : { kept_as }) });
  });

  it('goes into nested types', () => {
    expect(storageOf('struct(n hugeint, l uuid[2])', 't.c')).toEqual({
      column_type: 'struct("n" decimal(38,0), "l" varchar[])',
      kept_as: 'struct("n" hugeint, "l" uuid[2])',
      delta: {
        type: 'struct',
        fields: [
          { name: 'n', type: 'decimal(38,0)', nullable: true, metadata: {} },
          {
            name: 'l',
            type: { type: 'array', elementType: 'string', containsNull: true },
            nullable: true,
            metadata: {},
          },
        ],
      },
    });
  });

  it.each([
    ['interval', 'c', 'epoch'],
    ['bit', 'c', 'varchar'],
    ['struct(i interval)', 'c.i', 'epoch'],
    ['varcher', 'c', 'Did you mean varchar?'],
    ['constructor', 'c', 'Cast it'],
    ['geometry', 'c', 'Cast it'],
  ])('refuses %s with a hint', (type, place, hint) => {
    const refused = expect.objectContaining({
      code: 'E_TYPE_UNSUPPORTED',
      message: expect.stringContaining(`column ${place} `),
      hint: expect.stringContaining(hint),
    });
    expect(() => storageOf(type, 'c')).toThrow(refused);
  });
});

const PLAIN = [
  'bigint',
  'integer',
  'smallint',
  'tinyint',
  'utinyint',
  'usmallint',
  'uinteger',
  'ubigint',
  'hugeint',
  'double',
  'float',
  'varchar',
  'boolean',
  'blob',
  'date',
  'timestamptz',
  'timestamp',
  'timestamp_ms',
  'time',
  'uuid',
  'json',
];
const memberName = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name.trim() !== '');
const decimal = fc.integer({ min: 1, max: 38 }).chain((precision) =>
  fc.record({
    kind: fc.constant('decimal' as const),
    precision: fc.constant(precision),
    scale: fc.integer({ min: 0, max: precision }),
  }),
);
const { node } = fc.letrec<{ node: TypeNode }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('plain' as const), name: fc.constantFrom(...PLAIN) }),
    decimal,
    fc.record({
      kind: fc.constant('enum' as const),
      values: fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('list' as const), element: tie('node') }),
    fc.record({ kind: fc.constant('map' as const), key: tie('node'), value: tie('node') }),
    fc.record({
      kind: fc.constant('struct' as const),
      members: fc.array(fc.record({ name: memberName, type: tie('node') }), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));

describe('every type', () => {
  it('is read back from its canonical text', () => {
    fc.assert(
      fc.property(node, (type) => {
        expect(parseType(renderType(type))).toEqual(type);
      }),
    );
  });

  it('comes back from the Delta log as it is stored, and what is stored is stored as itself', () => {
    fc.assert(
      fc.property(node, (type) => {
        const stored = storageOf(renderType(type), 'c');
        expect(typeFromDelta(JSON.parse(JSON.stringify(stored.delta)))).toBe(stored.column_type);
        expect(storageOf(stored.column_type, 'c')).toEqual({ column_type: stored.column_type, delta: stored.delta });
      }),
    );
  });

  it('keeps its declared form whenever the stored one differs', () => {
    fc.assert(
      fc.property(node, (type) => {
        const [column] = storedColumns([{ name: 'c', type: renderType(type) }], 't');
        expect(column?.kept_as ?? column?.type).toBe(renderType(type));
        expect(storedColumns(column === undefined ? [] : [column], 't')).toEqual([column]);
      }),
    );
  });
});

describe('typeFromDelta', () => {
  it.each([
    ['decimal(10, 2)', 'decimal(10,2)'],
    ['timestamp', 'timestamptz'],
    [{ type: 'array', elementType: 'long', containsNull: false }, 'bigint[]'],
  ])('%j is %s', (delta, type) => expect(typeFromDelta(delta)).toBe(type));

  it.each(['void', 'variant', 'interval year', 42, null, {}, { type: 'struct', fields: [] }])(
    'refuses %j by name',
    (delta) => {
      expect(() => typeFromDelta(delta)).toThrow(expect.objectContaining({ code: 'E_LAKE_FEATURE' }));
    },
  );
});

describe('storedColumns', () => {
  it('refuses two columns whose names differ in case only', () => {
    const twins = [
      { name: 'a', type: 'bigint' },
      { name: 'A', type: 'date' },
    ];
    expect(() => storedColumns(twins, 'gold.x')).toThrow(expect.objectContaining({ code: 'E_SQL' }));
  });
});
