import { describe, expect, it } from 'vitest';
import { DATA_TYPE, schemaColumns } from './data-types.ts';
import { EXECUTE_PLAN_REQUEST, EXECUTE_PLAN_RESPONSE } from './messages.ts';
import { commandPlan, queryPlan } from './plans.ts';
import { bytes, decode, encode, flag, inner, many, type Shape, text, whole } from './protobuf.ts';

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

const LEAF = { name: text(1), size: whole(2), on: flag(3), raw: bytes(15) } as const satisfies Shape;
const TREE = { leaf: inner(1, () => LEAF), leaves: many(inner(16, () => LEAF)), words: many(text(3)) } as const;

describe('messages', () => {
  it('are read as they were written, with what is repeated and what is empty', () => {
    const tree = {
      leaf: { name: 'é', size: -1, on: true, raw: new Uint8Array([0, 255]) },
      leaves: [{}, { size: 2 ** 40 }],
      words: ['', 'b'],
    };
    expect(decode(TREE, encode(TREE, tree))).toEqual(tree);
    expect(encode(TREE, {})).toHaveLength(0);
  });

  it('of a newer server are read without what is not known here', () => {
    const newer = { ...TREE, more: inner(99, () => LEAF), text: text(98) } as const;
    const message = encode(newer, { text: 'x', leaf: { size: 3 }, more: { name: 'y' } });
    expect(decode(TREE, message)).toEqual({ leaf: { size: 3 } });
  });

  it('that were cut off are refused', () => {
    const message = encode(TREE, { leaf: { name: 'abcdef' } });
    expect(() => decode(TREE, message.subarray(0, message.length - 2))).toThrow();
  });

  // Field numbers are the protocol: 5 ExecutePlanRequest.plan … as in Spark's own description, written here by hand.
  it('have the bytes of the protocol', () => {
    const query = `5206${'0a04'}${hex(Buffer.from('SQL1'))}`; // Relation.sql = 10 { query = 1 }
    expect(hex(queryPlan('SQL1').root ?? new Uint8Array())).toBe(query);
    const three = encode(EXECUTE_PLAN_REQUEST, { plan: commandPlan('SQL1', '3.5.7') });
    expect(hex(three)).toBe(`1a0a${'1208'}${'2a06'}0a04${hex(Buffer.from('SQL1'))}`); // plan 3, command 2, sql_command 5, sql 1
    const four = encode(EXECUTE_PLAN_REQUEST, { plan: commandPlan('SQL1', '4.0.1') });
    expect(hex(four)).toBe(`1a0e${'120c'}${'2a0a'}3208${query}`); // … input 6 { Relation }
    const batch = new Uint8Array(Buffer.from('120908021203abcdef18056a017a7200', 'hex')); // arrow_batch 2, response_id 13, result_complete 14
    expect(decode(EXECUTE_PLAN_RESPONSE, batch)).toEqual({
      arrow_batch: { row_count: 2, data: new Uint8Array(Buffer.from('abcdef', 'hex')), start_offset: 5 },
      response_id: 'z',
      result_complete: {},
    });
  });

  it('name the types of columns as models do', () => {
    const column = (name: string, data_type: object): object => ({ name, data_type });
    const struct = {
      fields: [
        column('n', { long: {} }),
        column('d', { decimal: { precision: 38, scale: 2 } }),
        column('w', { decimal: { precision: 5 } }),
        column('m', { map: { key_type: { string: {} }, value_type: { array: { element_type: { date: {} } } } } }),
        column('s', { struct: { fields: [column('a "b"', { timestamp_ntz: {} }), column('t', { timestamp: {} })] } }),
      ],
    };
    const columns = schemaColumns(encode(DATA_TYPE, { struct }));
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'n bigint',
      'd decimal(38,2)',
      'w decimal(5,0)',
      'm map(varchar, date[])',
      's struct("a ""b""" timestamp, "t" timestamptz)',
    ]);
  });
});
