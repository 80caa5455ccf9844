import fc from 'fast-check';
import type { Assignment } from '../../src/core/model/quarantine.ts';

/** What becomes of records under rules and decisions, thought out without tables: the oracle of the quarantine's property test. */
export interface Cells {
  readonly id: number;
  readonly parent: number;
  /** A number, or a text that bronze cannot read as one. */
  readonly t: string;
  /** A number, or a text that silver rejects. */
  readonly v: string;
}

export interface Batch {
  readonly rows: readonly Cells[];
  readonly parents: readonly number[];
}

interface Decided {
  readonly table: 'bronze.rows' | 'silver.rows';
  readonly rule?: string;
}
export interface Fix extends Decided {
  readonly do: 'fix';
  readonly set: readonly Assignment[];
  /** The same in JavaScript. */
  readonly mend: (cells: Cells) => Cells;
}
export type Act =
  | { readonly do: 'load'; readonly batch: Batch }
  | { readonly do: 'loosen' | 'refresh' }
  | Fix
  | (Decided & { readonly do: 'replay' | 'discard' });

/** The looser rule of `loosen`. */
const MIN_LATER = -3;

const fixes: readonly Fix[] = [
  {
    do: 'fix',
    table: 'bronze.rows',
    set: [{ column: 't', sql: "replace(t, 'x', '9')" }],
    mend: (one) => ({ ...one, t: one.t.replace('x', '9') }),
  },
  {
    do: 'fix',
    table: 'silver.rows',
    set: [{ column: 'v', sql: "replace(v, '-', '')" }],
    mend: (one) => ({ ...one, v: one.v.replace('-', '') }),
  },
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
    rule: 'parent',
    set: [{ column: 'parent', sql: "'1'" }],
    mend: (one) => ({ ...one, parent: 1 }),
  },
];

const small = (min: number, max: number) => fc.integer({ min, max });
export const batch: fc.Arbitrary<Batch> = fc.record({
  rows: fc.array(
    fc.record({
      id: small(1, 4),
      parent: small(1, 4),
      t: fc.constantFrom('1', '2', '3', 'x', 'y'),
      v: fc.constantFrom('1', '2', '3', '-2', '-7', '', 'z'),
    }),
    { minLength: 2, maxLength: 9 },
  ),
  parents: fc.array(small(1, 4), { maxLength: 2 }),
});
const decided: fc.Arbitrary<Decided> = fc.constantFrom<Decided>(
  { table: 'bronze.rows' },
  { table: 'silver.rows' },
  { table: 'silver.rows', rule: 'range' },
  { table: 'silver.rows', rule: 'parent' },
);
export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: batch.map((one): Act => ({ do: 'load', batch: one })) },
  { weight: 4, arbitrary: fc.constantFrom<Act>(...fixes) },
  { weight: 2, arbitrary: decided.map((one): Act => ({ do: 'replay', ...one })) },
  { weight: 2, arbitrary: decided.map((one): Act => ({ do: 'discard', ...one })) },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ do: 'loosen' }, { do: 'refresh' }) },
);

interface Rec {
  readonly file: string;
  readonly line: number;
  /** As bronze has it; fixes of silver rows change nothing there. */
  arrived: Cells;
  now: Cells;
  discarded?: Decided['table'];
}

export interface Model {
  readonly records: Rec[];
  readonly parents: Set<number>;
  min: number;
  /** Rows by state and table that decisions closed. */
  readonly closed: Map<string, number>;
}

export function newModel(): Model {
  return { records: [], parents: new Set(), min: 0, closed: new Map() };
}

/** The line of a file that a record stands on. */
export function text({ id, parent, t, v }: Cells): string {
  return `${id},${parent},${t},${v}`;
}

const isNumber = (one: string): boolean => /^-?\d+$/.test(one);

/** `open <table> <rule>`, `discarded <table>` or `good`. */
function stateOf(model: Model, { now, discarded }: Rec): string {
  if (discarded !== undefined) return `discarded ${discarded}`;
  if (!isNumber(now.t)) return 'open bronze.rows unreadable_record';
  if (!isNumber(now.v)) return 'open silver.rows number';
  if (Number(now.v) < model.min) return 'open silver.rows range';
  return model.parents.has(now.parent) ? 'good' : 'open silver.rows parent';
}

const isOpen = (model: Model, one: Rec, { table, rule = '' }: Decided): boolean =>
  stateOf(model, one).startsWith(`open ${table} ${rule}`);

export function play(model: Model, one: Act | { readonly do: 'run' }, index: number): void {
  if (one.do === 'load') {
    const own: Cells = { id: 100 + index, parent: 1, t: '1', v: '1' };
    for (const [at, now] of [...one.batch.rows, own].entries())
      model.records.push({ file: `in/rows${index}.csv`, line: at + 2, arrived: now, now });
    for (const id of [...one.batch.parents, 100 + index]) model.parents.add(id);
  } else if (one.do === 'loosen') model.min = MIN_LATER;
  else if (one.do === 'discard') {
    const rows = model.records.filter((rec) => isOpen(model, rec, one));
    for (const rec of rows) rec.discarded = one.table;
    close(model, `discarded ${one.table}`, rows.length);
  } else if (one.do === 'fix' || one.do === 'replay') {
    const rows = model.records.filter((rec) => isOpen(model, rec, one));
    const mend = one.do === 'fix' ? one.mend : undefined;
    const changed = mend === undefined ? rows : rows.filter((rec) => text(mend(rec.now)) !== text(rec.now));
    for (const rec of changed) {
      if (mend === undefined) break;
      rec.now = mend(rec.now);
      if (one.table === 'bronze.rows') rec.arrived = rec.now;
    }
    const home = changed.filter((rec) => !isOpen(model, rec, { table: one.table }));
    close(model, `${one.do === 'fix' ? 'fixed' : 'replayed'} ${one.table}`, home.length);
  }
}

function close(model: Model, key: string, rows: number): void {
  model.closed.set(key, (model.closed.get(key) ?? 0) + rows);
}

/** What tables and ledger must show. */
export function expected(model: Model): {
  readonly bronze: readonly string[];
  readonly silver: readonly string[];
  readonly open_bronze: readonly string[];
  readonly open_silver: readonly string[];
  readonly states: readonly string[];
} {
  const named = model.records.map((rec) => ({ rec, state: stateOf(model, rec) }));
  const states = new Map(model.closed);
  const open: Record<string, string[]> = { 'bronze.rows': [], 'silver.rows': [] };
  const newest = new Map<number, Cells>();
  for (const { rec, state } of named) {
    const [kind, table = '', rule] = state.split(' ');
    if (kind === 'good') newest.set(rec.now.id, rec.now);
    if (kind !== 'open') continue;
    open[table]?.push(`${rec.file} ${rec.line} ${rule}`);
    states.set(`open ${table}`, (states.get(`open ${table}`) ?? 0) + 1);
  }
  const line = ({ id, parent, t, v }: Cells): string => [id, parent, t, v].join(' ');
  return {
    bronze: named
      .filter(({ state }) => state !== 'discarded bronze.rows' && !state.startsWith('open bronze'))
      .map(({ rec }) => line(rec.arrived))
      .sort(),
    silver: [...newest.values()].map(line).sort(),
    open_bronze: (open['bronze.rows'] ?? []).sort(),
    open_silver: (open['silver.rows'] ?? []).sort(),
    states: [...states]
      .filter(([, rows]) => rows > 0)
      .map(([key, rows]) => `${key} ${rows}`)
      .sort(),
  };
}
