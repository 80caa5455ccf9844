import type { SchemaElement } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { UnitFault } from '../stream/unit-fault.ts';
import { schemaProblem } from './schema.ts';

const ROOT: SchemaElement = { name: 'schema', num_children: 2 };
const ID: SchemaElement = { name: 'id', type: 'INT64', repetition_type: 'OPTIONAL' };
const decimal = (change: Partial<SchemaElement>): SchemaElement => ({
  name: 'montant',
  type: 'FIXED_LEN_BYTE_ARRAY',
  type_length: 6,
  repetition_type: 'OPTIONAL',
  converted_type: 'DECIMAL',
  precision: 12,
  scale: 2,
  ...change,
});

describe('a Parquet schema', () => {
  it.each([
    ['two columns', [ROOT, ID, decimal({})]],
    [
      'decimals in whole numbers',
      [ROOT, decimal({ type: 'INT32', precision: 9 }), decimal({ type: 'INT64', precision: 18 })],
    ],
    ['decimals of any length', [ROOT, ID, decimal({ type: 'BYTE_ARRAY', precision: 60 })]],
    ['a type in both ways', [ROOT, ID, decimal({ logical_type: { type: 'DECIMAL', precision: 12, scale: 2 } })]],
    [
      'a column with an empty name',
      [ROOT, ID, { name: '', type: 'INT32', repetition_type: 'REQUIRED' } as SchemaElement],
    ],
    [
      'a group',
      [{ name: '', num_children: 1 }, { name: 'g', num_children: 1, repetition_type: 'OPTIONAL' } as SchemaElement, ID],
    ],
  ])('is sound: %s', (_, schema) => expect(schemaProblem(schema)).toBeUndefined());

  it.each([
    ['no name', [ROOT, ID, { type: 'INT32' } as SchemaElement], 'column 2 has no name'],
    ['too few bytes', [ROOT, ID, decimal({ type_length: 2 })], 'no room for decimals of 12 digits'],
    ['too small a number', [ROOT, ID, decimal({ type: 'INT32' })], 'no room'],
    ['a NUL in a name', [ROOT, { ...ID, name: 'i\0' }, decimal({})], 'column 1 has a NUL in its name'],
    ['no repetition', [ROOT, { name: 'id', type: 'INT64' } as SchemaElement, decimal({})], 'nothing says'],
    ['two decimals', [ROOT, ID, decimal({ logical_type: { type: 'DECIMAL', precision: 28, scale: 2 } })], 'at once'],
    ['two types', [ROOT, ID, decimal({ logical_type: { type: 'DATE' } })], 'it is DECIMAL and DATE at once'],
    ['scale', [ROOT, ID, decimal({ scale: 13 })], 'behind the point'],
    ['a child too many', [{ ...ROOT, num_children: 3 }, ID, decimal({})], 'do not add up'],
    ['a child too few', [{ ...ROOT, num_children: 1 }, ID, decimal({})], 'do not add up'],
  ])('is damaged: %s', (_, schema, says) => expect(schemaProblem(schema)).toContain(says));
});

it('a reason never holds a NUL of the file', () => {
  expect(new UnitFault('damaged_parquet', 'a column i\0 is there').problem.reason).toBe('a column i\\0 is there');
});
