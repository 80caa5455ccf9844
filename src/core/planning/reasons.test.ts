import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckSpec, GoldSpec, SilverSpec } from '../model/project.ts';
import { canonicalPart, definitionOf } from './definition.ts';
import { codeFingerprint } from './fingerprint.ts';
import type { Node } from './graph.ts';
import { type Cause, definitionChanges, reasonOf } from './reasons.ts';

const rule = (name: string, params: unknown = { column: 'v' }): CheckSpec => ({
  check: 'between',
  name,
  severity: 'fail',
  params,
});

function silver(parts: Partial<SilverSpec> = {}): Node {
  const spec = { from: ['a'], select: {}, rules: [], key: ['id'], partition_by: [], tests: [], tags: [], ...parts };
  return { key: 'silver.a', layer: 'silver', name: 'a', spec, tags: [], inputs: [], references: [] };
}

function gold(sql: string, parts: Partial<GoldSpec> = {}): Node {
  const spec = { sql, sql_file: 'x.sql', key: [], partition_by: [], tests: [], tags: [], ...parts };
  return { key: 'gold.x', layer: 'gold', name: 'x', spec, tags: [], inputs: [], references: [] };
}

const changesOf = (before: Node, after: Node) =>
  definitionChanges(definitionOf(before), definitionOf(after)).map(({ part, change }) => `${part} ${change}`);

describe('what changed in a definition', () => {
  it.each([
    ['the SQL', gold('select 1'), gold('select 2'), ['sql changed']],
    ['only comments and blanks', gold('select 1 -- one'), gold('select\n  1'), []],
    ['a refresh', gold('select 1'), gold('select 1', { refresh: { by: 'd' } }), ['refresh added']],
    ['a rule', silver({ rules: [rule('r')] }), silver({ rules: [rule('r', { column: 'w' })] }), ['rule r changed']],
    ['a rule gone', silver({ rules: [rule('r')] }), silver(), ['rule r removed']],
    [
      'the order of rules',
      silver({ rules: [rule('r'), rule('s')] }),
      silver({ rules: [rule('s'), rule('r')] }),
      ['order of rules changed'],
    ],
    ['the key', silver(), silver({ key: ['id', 'day'] }), ['key changed']],
    ['an expression', silver({ select: { v: 'v + 1' } }), silver({ select: { v: 'v+1' } }), ['select v changed']],
    ['tests and tags', silver(), silver({ tests: [rule('t')], tags: ['x'] }), []],
    [
      'a severity',
      silver({ rules: [rule('r')] }),
      silver({ rules: [{ ...rule('r'), severity: 'warn' }] }),
      ['rule r changed'],
    ],
  ])('%s', (_, before, after, changes) => {
    expect(changesOf(before, after)).toEqual(changes);
    expect(codeFingerprint(before) === codeFingerprint(after)).toBe(changes.length === 0);
  });

  it('counts functions of dataflow that are called, in SQL and in the parameters of rules', () => {
    expect(Object.keys(definitionOf(gold('select title_case(x) from silver.a')))).toContain('function title_case');
    expect(Object.keys(definitionOf(gold("select 'title_case(x)'")))).not.toContain('function title_case');
    expect(Object.keys(definitionOf(silver({ rules: [rule('r', { expr: "strip(v) <> ''" })] })))).toContain(
      'function strip',
    );
  });

  it('never passes over a rule parameter that looks like a comment', () => {
    const [a, b] = ["x = '\"' -- 1", "x = '\"' -- 2"].map((expr) => silver({ rules: [rule('r', { expr })] }));
    if (a === undefined || b === undefined) throw new Error('no nodes');
    expect(changesOf(a, b)).toEqual(['rule r changed']);
  });

  it('two definitions have one fingerprint exactly when no part changed', () => {
    const sql = fc.constantFrom('v', 'v ', 'v -- x', 'w', "'--'", "'-- '");
    const node = fc
      .record({
        select: fc.dictionary(fc.constantFrom('a', 'b'), sql),
        where: fc.option(sql, { nil: undefined }),
        rules: fc.array(fc.record({ name: fc.constantFrom('r', 's'), v: fc.constantFrom('1', '2') }), { maxLength: 3 }),
        key: fc.subarray(['id', 'day']),
      })
      .map(({ where, rules, ...rest }) =>
        silver({
          ...rest,
          rules: rules.map(({ name, v }) => rule(name, { v })),
          ...(where === undefined ? {} : { where }),
        }),
      );
    fc.assert(
      fc.property(node, node, (a, b) => {
        expect(changesOf(a, b).length === 0).toBe(codeFingerprint(a) === codeFingerprint(b));
      }),
    );
  });

  it('treats only SQL as SQL', () => {
    expect(canonicalPart('sql', 'a  -- b')).toBe('a');
    expect(canonicalPart('rule r', 'a  -- b')).toBe('a  -- b');
  });
});

describe('the words of reasons', () => {
  const causes: readonly (readonly [Cause[], string])[] = [
    [[{ kind: 'never_built' }], 'never built'],
    [[{ kind: 'definition', changes: undefined }], 'its definition changed'],
    [
      [
        {
          kind: 'definition',
          changes: ['sql', 'key', 'a', 'b'].map((part) => ({ part, change: 'changed', diff: [] })),
        },
      ],
      'its definition changed: sql, key, a and 1 more',
    ],
    [
      [
        { kind: 'input', table: 'silver.a', from: 1, to: 3 },
        { kind: 'input', table: 'silver.b', from: 0, to: 1 },
      ],
      'input changed: silver.a 1 → 3, silver.b 0 → 1',
    ],
    [[{ kind: 'files', fresh: 1, unchanged: 9, waiting: 2 }], '1 new or changed file, 2 still being written'],
    [[{ kind: 'files', fresh: 0, unchanged: 9, waiting: 0 }], 'up to date: 9 files unchanged'],
    [[{ kind: 'files', fresh: 0, unchanged: 0, waiting: 0 }], 'no input found'],
    [
      [{ kind: 'files', fresh: 0, unchanged: 0, waiting: 0, undone: 2 }],
      '2 files undone, not loaded again: dataflow run --redo',
    ],
    [[{ kind: 'files', fresh: 0, unchanged: 0, waiting: 1 }], 'nothing to load yet, 1 still being written'],
    [
      [{ kind: 'files', fresh: 0, unchanged: 0, waiting: 0, missing: 'data: the folder does not exist' }],
      'no input found: data: the folder does not exist',
    ],
    [[{ kind: 'parent_failed', table: 'silver.a' }], 'skipped because silver.a did not succeed'],
    [[{ kind: 'parent_failed', table: 'silver.a', fail_fast: true }], 'skipped because silver.a failed (--fail-fast)'],
    [[{ kind: 'nothing_moved' }], 'up to date: same definition, same inputs'],
  ];
  it.each(causes)('%j', (given, words) => {
    expect(reasonOf(given)).toBe(words);
  });
});
