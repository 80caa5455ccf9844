import fc from 'fast-check';
import type { Assignment } from '../../src/core/model/quarantine.ts';

/** What may happen to a project with rejected rows. */
export interface Cells {
  readonly id: number;
  readonly parent: number;
  /** A number, or a text that bronze cannot read as one. */
  readonly t: string;
  /** A number, or a text that silver rejects; 13 is left out by `where`. */
  readonly v: string;
}

export interface Batch {
  readonly rows: readonly Cells[];
  readonly parents: readonly number[];
}

export type Table = 'bronze.rows' | 'silver.rows';

/** Which of several rows of a key stays, and whether bad ones count. */
export type Kind = 'last' | 'first' | 'first_before' | 'last_before';
export const KINDS: Readonly<Record<Kind, string>> = {
  last: '{ keep: last }',
  first: '{ keep: first }',
  first_before: '{ keep: first, before_rules: true }',
  last_before: '{ keep: last, before_rules: true }',
};

export interface Decided {
  readonly table: Table;
  readonly rule?: string;
  readonly file?: number;
  readonly discarded?: boolean;
  /** The run dies between the decision and what follows from it. */
  readonly abort?: boolean;
}

export interface Fix extends Decided {
  readonly do: 'fix';
  readonly set: readonly Assignment[];
  /** The same in JavaScript. */
  readonly mend: (cells: Cells) => Cells;
  /** By an edited export instead of an expression. */
  readonly by_file?: boolean;
}

type Which = (disk: ReadonlyMap<number, unknown>) => number;
export type Act =
  | { readonly do: 'load'; readonly batch: Batch }
  | { readonly do: 'rewrite'; readonly index: Which; readonly batch: Batch }
  | { readonly do: 'remove'; readonly index: Which }
  | { readonly do: 'rule'; readonly min: number }
  | { readonly do: 'refresh' | 'undo' | 'redo' | 'rebuild' | 'compact' }
  | Fix
  | (Decided & { readonly do: 'replay' | 'discard' });

const replaced = (column: 't' | 'v', from: string, to: string): Omit<Fix, 'do' | 'table'> => ({
  set: [{ column, sql: `replace(${column}, '${from}', '${to}')` }],
  mend: (one) => ({ ...one, [column]: one[column].replaceAll(from, to) }),
});

const fixes: readonly Fix[] = [
  { do: 'fix', table: 'bronze.rows', ...replaced('t', 'x', '9') },
  { do: 'fix', table: 'bronze.rows', ...replaced('t', 'y', 'x') },
  { do: 'fix', table: 'silver.rows', ...replaced('v', '-', '') },
  {
    do: 'fix',
    table: 'silver.rows',
    rule: 'number',
    set: [{ column: 'v', sql: "'-8'" }],
    mend: (one) => ({ ...one, v: '-8' }),
  },
  {
    do: 'fix',
    table: 'silver.rows',
    rule: 'number',
    set: [{ column: 'v', sql: "'13'" }],
    mend: (one) => ({ ...one, v: '13' }),
  },
  {
    do: 'fix',
    table: 'silver.rows',
    rule: 'parent',
    set: [{ column: 'parent', sql: "'1'" }],
    mend: (one) => ({ ...one, parent: 1 }),
  },
];

const small = (min: number, max: number) => fc.integer({ min, max });
export const batch: fc.Arbitrary<Batch> = fc.record({
  rows: fc
    .array(
      fc.tuple(
        fc.record({
          id: small(1, 4),
          parent: small(1, 4),
          t: fc.constantFrom('1', '2', '3', 'x', 'y'),
          v: fc.constantFrom('1', '2', '3', '-2', '-7', '', 'z', '13'),
        }),
        fc.constantFrom(1, 1, 1, 2),
      ),
      { minLength: 2, maxLength: 8 },
    )
    // The same line twice in a file is two rows.
    .map((rows) => rows.flatMap(([row, copies]) => Array.from({ length: copies }, () => row))),
  parents: fc.array(small(1, 4), { maxLength: 2 }),
});

const which: fc.Arbitrary<Which> = fc
  .nat({ max: 99 })
  .map((at) => (disk) => [...disk.keys()].sort()[at % disk.size] ?? 0);
const decided: fc.Arbitrary<Decided> = fc
  .tuple(
    fc.constantFrom<Decided>(
      { table: 'bronze.rows' },
      { table: 'silver.rows' },
      { table: 'silver.rows', rule: 'range' },
      { table: 'silver.rows', rule: 'parent' },
    ),
    fc.option(small(0, 2), { freq: 3, nil: undefined }),
    fc.constantFrom(true, false, false, false),
  )
  .map(([one, file, abort]) => ({ ...one, abort, ...(file === undefined ? {} : { file }) }));
const fix: fc.Arbitrary<Act> = fc
  .tuple(
    fc.constantFrom(...fixes),
    fc.constantFrom({}, {}, { by_file: true }),
    fc.constantFrom({}, {}, {}, { abort: true }),
  )
  .map(([one, way, abort]) => ({ ...one, ...way, ...abort }));
const discardedFix: fc.Arbitrary<Act> = fc.constantFrom(...fixes).map((one) => ({ ...one, discarded: true }));

export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: batch.map((one): Act => ({ do: 'load', batch: one })) },
  { weight: 3, arbitrary: fc.tuple(which, batch).map(([index, one]): Act => ({ do: 'rewrite', index, batch: one })) },
  { weight: 1, arbitrary: which.map((index): Act => ({ do: 'remove', index })) },
  { weight: 6, arbitrary: fix },
  { weight: 3, arbitrary: decided.map((one): Act => ({ do: 'replay', ...one })) },
  { weight: 4, arbitrary: decided.map((one): Act => ({ do: 'discard', ...one })) },
  { weight: 2, arbitrary: decided.map((one): Act => ({ do: 'replay', ...one, discarded: true })) },
  { weight: 1, arbitrary: discardedFix },
  { weight: 2, arbitrary: small(-3, 2).map((min): Act => ({ do: 'rule', min })) },
  { weight: 3, arbitrary: fc.constantFrom<Act>({ do: 'undo' }, { do: 'undo' }, { do: 'redo' }) },
  { weight: 2, arbitrary: fc.constantFrom<Act>({ do: 'refresh' }, { do: 'rebuild' }, { do: 'compact' }) },
);
