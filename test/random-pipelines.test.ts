import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Outcome, type Place } from './support/fault-project.ts';

/**
 * Random sources, rules, kills and replays: whatever is loaded, rewritten, removed, replayed or computed anew, and wherever a process is killed over it, the
 * rows are those that a few lines of JavaScript find by the same rules, every row is accounted for, and one more run changes nothing.
 */
interface Row {
  readonly id: number;
  readonly x: number | null;
  readonly w: string;
}
interface Numbered extends Row {
  /** Grows from row to row: of rows with the same id the greatest stays. */
  readonly n: number;
}
interface Rule {
  readonly name: string;
  readonly yaml: string;
  readonly holds: (row: Row) => boolean;
}

const RULES: readonly Rule[] = [
  { name: 'present', yaml: '{ not_null: x, name: present }', holds: ({ x }) => x !== null },
  {
    name: 'range',
    yaml: '{ between: { column: x, min: -2, below: 15 }, name: range }',
    holds: ({ x }) => x === null || (x >= -2 && x < 15),
  },
  { name: 'even', yaml: '{ name: even, expr: "x % 2 = 0" }', holds: ({ x }) => x !== null && x % 2 === 0 },
  {
    name: 'known',
    yaml: '{ accepted_values: { column: w, values: [a, b, "é"] }, name: known }',
    holds: ({ w }) => ['a', 'b', 'é'].includes(w),
  },
  {
    name: 'short',
    yaml: "{ matches: { column: w, pattern: '^.$' }, name: short }",
    holds: ({ w }) => [...w].length === 1,
  },
  {
    name: 'long',
    yaml: '{ length: { column: w, max: 2 }, name: long, severity: warn }',
    holds: () => true,
  },
];

const row = fc.record({
  id: fc.integer({ min: 1, max: 9 }),
  x: fc.option(fc.integer({ min: -5, max: 20 }), { freq: 6 }),
  w: fc.constantFrom('a', 'b', 'é', 'zz', 'a b', 'long,er'),
});
const file = fc.record({ rows: fc.array(row, { maxLength: 14 }), format: fc.constantFrom('csv', 'ndjson') });
const action = fc.record({
  what: fc.constantFrom('add', 'add', 'rewrite', 'remove', 'replay', 'refresh', 'anew', 'rebuild'),
  which: fc.nat(),
  file,
  /** At this pass of a fault point the process is killed; none when it does not come so far. */
  kill: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 3 }),
});
const scenario = fc.record({
  rules: fc.subarray([...RULES]),
  where: fc.boolean(),
  keyed: fc.boolean(),
  first: file,
  actions: fc.array(action, { minLength: 2, maxLength: 5 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const config = ({ rules, where, keyed }: Scenario): string => `sources:
  a: { type: files, path: "in/*.{csv,ndjson}", settle_seconds: 0, on_missing: delete, columns: { n: bigint, id: bigint, x: bigint, w: varchar } }
silver:
  a:
    from: a
${where ? '    where: "x is null or x <> 4"\n' : ''}${rules.length > 0 ? `    rules: [ ${rules.map((one) => one.yaml).join(', ')} ]\n` : ''}${keyed ? '    key: id\n    dedupe: { keep: last, by: n }\n' : ''}gold:
  total: { sql: "select count(*) as n, sum(x) as total from silver.a" }
`;

/** What lies in the folder, by name. */
type Files = Map<string, readonly Numbered[]>;

let next_n = 0;
function write(place: Place, files: Files, name: string, rows: readonly Row[]): void {
  // A row of its own makes each file's bytes unlike any other's: the same bytes would be one input.
  const numbered = [...rows, { id: 100, x: 2, w: 'a' }].map((one) => ({ n: ++next_n, ...one }));
  const line = ({ n, id, x, w }: Numbered): string =>
    name.endsWith('.csv') ? `${n},${id},${x ?? ''},"${w}"\n` : `${JSON.stringify({ w, n, x, id })}\n`;
  place.put({ [`in/${name}`]: (name.endsWith('.csv') ? 'n,id,x,w\n' : '') + numbered.map(line).join('') });
  files.set(name, numbered);
}

function killed(outcome: Outcome): boolean {
  return outcome.signal === 'SIGKILL';
}

function act(place: Place, files: Files, one: Scenario['actions'][number], index: number): void {
  const names = [...files.keys()];
  const chosen = names[one.which % Math.max(1, names.length)];
  const env = one.kill === null ? {} : { DATAFLOW_FAULT: `any:kill@${one.kill}` };
  let args: readonly string[] = ['run', '--allow-missing'];
  if (one.what === 'rewrite' && chosen !== undefined) write(place, files, chosen, one.file.rows);
  else if (one.what === 'remove' && chosen !== undefined && names.length > 1) {
    rmSync(join(place.folder, 'in', chosen));
    files.delete(chosen);
  } else if (one.what === 'replay') args = ['quarantine', 'replay', 'silver.a'];
  else if (one.what === 'refresh') args = ['run', '--full-refresh', '--allow-missing'];
  else if (one.what === 'anew') args = ['run', '--full-refresh', '--force', '--allow-missing'];
  else if (one.what === 'rebuild') args = ['ledger', 'rebuild'];
  else write(place, files, `f${index}.${one.file.format}`, one.file.rows);
  const outcome = place.dataflow(args, env);
  // 4: rows that were replayed are rejected again, as they have to be.
  if (!killed(outcome))
    expect([0, 4], `${args.join(' ')}\n${outcome.stdout}${outcome.stderr}`).toContain(outcome.status);
}

/** By the rules alone: what the tables have to hold. */
function expected({ rules, where, keyed }: Scenario, files: Files) {
  const all = [...files.values()].flat();
  const kept = where ? all.filter(({ x }) => x !== 4) : all;
  const quarantine: Record<string, number> = {};
  const good: Numbered[] = [];
  for (const one of kept) {
    const broken = rules.find((rule) => !rule.holds(one));
    if (broken === undefined) good.push(one);
    else quarantine[broken.name] = (quarantine[broken.name] ?? 0) + 1;
  }
  const newest = new Map(good.sort((a, b) => a.n - b.n).map((one) => [one.id, one]));
  const rows = keyed ? good.filter((one) => newest.get(one.id) === one) : good;
  return { all, rows: rows.map(({ n, id, x, w }) => ({ n, id, x, w })), quarantine };
}

function check(place: Place, one: Scenario, files: Files): void {
  const { all, rows, quarantine } = expected(one, files);
  expect(place.query('select n, id, x, w from silver.a order by n')).toEqual(rows);
  expect(place.query('select n from bronze.a order by n').map((found) => found['n'])).toEqual(
    all.map(({ n }) => n).sort((a, b) => a - b),
  );
  const groups = JSON.parse(place.dataflow(['quarantine', '--format', 'json']).stdout) as readonly {
    readonly rule: string;
    readonly rows: number;
  }[];
  const found: Record<string, number> = {};
  for (const group of groups) found[group.rule] = (found[group.rule] ?? 0) + group.rows;
  expect(found).toEqual(quarantine);
  expect(place.query('select n from gold.total')).toEqual([{ n: rows.length }]);
  expectDone(place.dataflow(['verify', '--rows']));
}

describe('random sources, rules, kills and replays', () => {
  it('rows are conserved and a re-run changes nothing', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(scenario, (one) => {
        const place = newPlace(config(one));
        try {
          const files: Files = new Map();
          write(place, files, 'f.csv', one.first.rows);
          expectDone(place.dataflow(['run']));
          for (const [index, each] of one.actions.entries()) act(place, files, each, index);
          expectDone(place.dataflow(['run', '--allow-missing']));
          check(place, one, files);
          expect(place.dataflow(['run']).stdout).toContain('nothing to do');
        } finally {
          place.remove();
        }
      }),
      { numRuns: Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 6) },
    );
  });
});
