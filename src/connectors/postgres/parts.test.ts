import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, safeParse } from 'zod/mini';
import { clientConfig, component as connection, placeOf } from './connection.ts';
import { fieldsOf } from './csv-record.ts';
import { postgresError } from './errors.ts';
import { overlapOf, schema, tableParts } from './options.ts';
import { readColumn } from './types.ts';

/** A field as COPY writes it. */
const written = (field: string | null): string =>
  field === null ? '' : field === '' || /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

describe('records of COPY', () => {
  it('are read as they were written', () => {
    const field = fc.option(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', ' ', '\\') }), {
      nil: null,
    });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
        const record = Buffer.from(`${fields.map(written).join(',')}\n`);
        expect(fieldsOf(record)).toEqual(fields);
      }),
    );
  });
});

describe('names of tables', () => {
  it.each([
    ['factures', ['factures']],
    ['Sales.Factures', ['sales', 'factures']],
    ['"Sales"."Fac""tures"', ['Sales', 'Fac"tures']],
    ['a.b.c', undefined],
    ['a b', undefined],
    ['a;drop table b', undefined],
    ['"a', undefined],
    ['', undefined],
    ['1a', undefined],
    ['a.', undefined],
    [`"${'x'.repeat(64)}"`, undefined],
  ])('%s', (text, parts) => {
    expect(tableParts(text)).toEqual(parts);
  });
});

describe('options', () => {
  it('need a table or a query, and a key for a query that is read by cursor', () => {
    const fits = (options: unknown) => safeParse(schema, options).success;
    expect(fits({ table: 'a' })).toBe(true);
    expect(fits({})).toBe(false);
    expect(fits({ table: 'a', query: 'select 1' })).toBe(false);
    expect(fits({ query: 'select 1 as a', cursor: { column: 'a' } })).toBe(false);
    expect(fits({ query: 'select 1 as a', cursor: { column: 'a' }, key: 'a' })).toBe(true);
    expect(fits({ table: 'a', cursor: { column: 'b', overlap: 'long' } })).toBe(false);
  });

  it('read again a duration of times, a number of numbers, and nothing for 0', () => {
    expect(overlapOf('5m', 'time')).toBe('300000 milliseconds');
    expect(overlapOf(undefined, 'time')).toBe('300000 milliseconds');
    expect(overlapOf(0, 'time')).toBe('0 milliseconds');
    expect(overlapOf(7, 'time')).toBeUndefined();
    expect(overlapOf(7, 'number')).toBe(7);
    expect(overlapOf('5m', 'number')).toBeUndefined();
  });

  it('of a connection say all in a url, or in parts', () => {
    const fits = (options: unknown) => safeParse(connection.schema, options).success;
    expect(fits({ url: 'postgres://u:p@h/d' })).toBe(true);
    expect(fits({ url: 'mysql://u:p@h/d' })).toBe(false);
    expect(fits({ url: 'postgres://u:p@h/d', host: 'h' })).toBe(false);
    expect(fits({ host: 'h' })).toBe(false);
    const parts = parse(connection.schema, { host: 'h', database: 'd', user: 'u', password: 'p' }) as Parameters<
      typeof placeOf
    >[0];
    expect(placeOf(parts)).toBe('h:5432/d');
    expect(clientConfig({ ...parts, ssl: 'verify' }, 'PEM').ssl).toEqual({ rejectUnauthorized: true, ca: 'PEM' });
    const byUrl = (mode: string) =>
      clientConfig(parse(connection.schema, { url: `postgres://u:p%40@h/d?a=1&sslmode=${mode}` }) as typeof parts);
    expect(byUrl('require')).toMatchObject({
      connectionString: 'postgres://u:p%40@h/d?a=1',
      ssl: { rejectUnauthorized: false },
    });
    expect(byUrl('verify-full').ssl).toEqual({ rejectUnauthorized: true });
    expect(byUrl('disable').ssl).toBeUndefined();
    expect(placeOf({ ...parts, url: 'postgres://u:secret@h:1/d?sslmode=require' })).toBe('h:1/d');
  });
});

describe('types', () => {
  const read = (name: string, modifier = -1, more = {}) =>
    readColumn('c', { name, kind: 'b', array: false, modifier, ...more }, 't').type;
  const numeric = (precision: number, scale: number) => read('numeric', ((precision << 16) | (scale & 0x7ff)) + 4);

  it('numeric keeps its digits', () => {
    expect(numeric(12, 2)).toBe('decimal(12,2)');
    expect(numeric(5, -2)).toBe('decimal(7,0)');
    expect(numeric(3, 5)).toBe('decimal(5,5)');
    expect(numeric(38, 38)).toBe('decimal(38,38)');
    expect(numeric(39, 0)).toBe('varchar');
    expect(numeric(38, -1)).toBe('varchar');
    expect(read('numeric')).toBe('varchar');
  });

  it('lists are JSON, what is not known is text, money is refused', () => {
    expect(read('int4', -1, { array: true })).toBe('json');
    expect(read('pair', -1, { kind: 'c' })).toBe('json');
    expect(read('mood', -1, { kind: 'e' })).toBe('varchar');
    expect(() => read('money')).toThrow('locale of the server');
  });
});

describe('errors', () => {
  const error = (code: string) => Object.assign(new Error('no\n  good'), { code });
  it.each([
    ['ECONNREFUSED', 'E_SOURCE_UNREACHABLE'],
    ['57P03', 'E_SOURCE_UNREACHABLE'],
    ['40001', 'E_SOURCE_UNREACHABLE'],
    ['53300', 'E_SOURCE_UNREACHABLE'],
    ['57014', 'E_SOURCE_TIMEOUT'],
    ['28P01', 'E_SOURCE_DENIED'],
    ['42501', 'E_SOURCE_DENIED'],
    ['42P01', 'E_SOURCE_QUERY'],
    ['XX001', 'E_SOURCE_IO'],
  ])('%s is %s', (state, code) => {
    expect(postgresError(error(state), 'h:1/d')).toMatchObject({ code, message: expect.stringContaining('no good') });
  });
});
