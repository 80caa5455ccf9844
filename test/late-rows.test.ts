import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

/** Late rows, deletions and history: whatever the order in which rows arrive, the table is the one that their moments tell. */
const SOURCE = `sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, moment: timestamp, ville: varchar, op: varchar } }
silver:
`;
const TABLES = `  dernier: { from: a, key: id, dedupe: { keep: last, by: moment } }
  vivant: { from: a, key: id, dedupe: { keep: last, by: moment }, deleted_when: "op = 'D'" }
  histoire: { from: a, key: id, dedupe: { keep: last, by: moment }, deleted_when: "op = 'D'", history: true, tests: [ { unique: [id, valid_from] } ] }
`;

interface Event {
  readonly id: number;
  /** Day of January 2024. */
  readonly day: number;
  readonly ville: string;
  readonly op: 'U' | 'D';
}

const line = ({ id, day, ville, op }: Event): string =>
  `${id},2024-01-${String(day).padStart(2, '0')} 00:00:00,${ville},${op}`;
const file = (events: readonly Event[]): string =>
  `id,moment,ville,op\n${events.map((event) => `${line(event)}\n`).join('')}`;

/** The same in plain code: for each key the rows in the order of their moments, the last arrival of each moment. */
function chains(events: readonly Event[]): ReadonlyMap<number, readonly Event[]> {
  const byKey = new Map<number, Map<number, Event>>();
  for (const event of events) {
    const chain = byKey.get(event.id) ?? new Map<number, Event>();
    byKey.set(event.id, chain.set(event.day, event));
  }
  return new Map([...byKey].map(([id, chain]) => [id, [...chain.values()].sort((a, b) => a.day - b.day)]));
}

function historyOf(chain: readonly Event[]): readonly string[] {
  const steps: Event[] = [];
  for (const event of chain) {
    const before = steps.at(-1);
    if (before === undefined || before.op !== event.op || before.ville !== event.ville) steps.push(event);
  }
  return steps.flatMap((event, index) => {
    const next = steps[index + 1];
    return event.op === 'D'
      ? []
      : [`${event.id} ${event.ville} ${event.day} ${next?.day ?? '-'} ${next === undefined}`];
  });
}

describe('late rows, deletions, history', () => {
  let place: Place;
  afterEach(() => place.remove());

  const day = (column: string): string => `coalesce(cast(day(${column}) as varchar), '-')`;
  const rows = (sql: string): readonly string[] => place.query(sql).map((row) => String(row['r']));
  const expectTables = (events: readonly Event[]): void => {
    const all = [...chains(events)].sort(([a], [b]) => a - b);
    const last = all.flatMap(([, chain]) => chain.slice(-1));
    const shown = ({ id, ville, day: at, op }: Event): string => `${id} ${ville} ${at} ${op}`;
    const table = (name: string): string =>
      `select id || ' ' || ville || ' ' || day(moment) || ' ' || op as r from silver.${name} order by id`;
    expect(rows(table('dernier'))).toEqual(last.map(shown));
    expect(rows(table('vivant'))).toEqual(last.filter(({ op }) => op === 'U').map(shown));
    expect(
      rows(
        `select id || ' ' || ville || ' ' || ${day('valid_from')} || ' ' || ${day('valid_to')} || ' ' || is_current as r from silver.histoire order by id, valid_from`,
      ),
    ).toEqual(all.flatMap(([, chain]) => historyOf(chain)));
    // Several versions of a key are no damage.
    expectDone(place.dataflow(['verify', '--rows']));
  };

  it('a late row takes its place, a deletion ends a version, a later row brings the key back', () => {
    place = newPlace(SOURCE + TABLES);
    const first: Event[] = [
      { id: 1, day: 5, ville: 'Lyon', op: 'U' },
      { id: 1, day: 9, ville: 'Paris', op: 'U' },
      { id: 2, day: 3, ville: 'Nice', op: 'U' },
      { id: 2, day: 6, ville: 'Nice', op: 'D' },
    ];
    place.put({ 'in/1.csv': file(first) });
    expectDone(place.dataflow(['run']));
    expectTables(first);
    // Older than what is known: a version between two, and one before a deletion that must not undo it.
    const late: Event[] = [
      { id: 1, day: 7, ville: 'Dijon', op: 'U' },
      { id: 2, day: 4, ville: 'Brest', op: 'U' },
    ];
    place.put({ 'in/2.csv': file(late) });
    expectDone(place.dataflow(['run']));
    expectTables([...first, ...late]);
    const back: Event[] = [{ id: 2, day: 12, ville: 'Metz', op: 'U' }];
    place.put({ 'in/3.csv': file(back) });
    expectDone(place.dataflow(['run']));
    expectTables([...first, ...late, ...back]);
    const status = place.status().get('silver.histoire');
    expect(status).toMatchObject({ rows_in: 7, rows_out: 6, filtered: 1, deduplicated: 0 });
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });

  it('any events in any order and any files', { timeout: 120_000 }, async () => {
    const event = fc.record({
      id: fc.integer({ min: 1, max: 3 }),
      day: fc.integer({ min: 1, max: 8 }),
      ville: fc.constantFrom('A', 'B'),
      op: fc.constantFrom('U' as const, 'U' as const, 'D' as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(event, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 }),
        async (files) => {
          place = newPlace(SOURCE + TABLES);
          try {
            for (const [index, events] of files.entries()) {
              place.put({ [`in/${index}.csv`]: file(events) });
              // Two files of the same bytes are one.
              expectDone(place.dataflow(['run']));
            }
            const distinct = files.filter((one, at) => files.findIndex((other) => file(other) === file(one)) === at);
            expectTables(distinct.flat());
          } finally {
            place.remove();
          }
        },
      ),
      { numRuns: Number(process.env['DATAFLOW_PROPERTY_RUNS'] ?? 5), endOnFailure: true },
    );
  });

  it('rows without a key or with a broken rule stay what they are', () => {
    place = newPlace(
      `${SOURCE}  h: { from: a, key: id, dedupe: { by: moment }, history: true, rules: [ { not_null: ville } ] }\n`,
    );
    place.put({
      'in/1.csv': 'id,moment,ville,op\n,2024-01-01,A,U\n,2024-01-01,A,U\n1,2024-01-02,,U\n1,2024-01-03,B,U\n',
    });
    expectDone(place.dataflow(['run']));
    expect(place.status().get('silver.h')).toMatchObject({ rows_in: 4, rows_out: 3, quarantined: 1 });
    expect(rows(`select count(*) as r from silver.h where is_current`)).toEqual(['3']);
  });

  it.each([
    ['deleted_when without key', `{ from: a, deleted_when: "op = 'D'" }`, 'needs key'],
    ['history without moments', '{ from: a, key: id, history: true }', 'dedupe.by'],
    ['deletion of the first', `{ from: a, key: id, dedupe: { keep: first }, deleted_when: "op = 'D'" }`, 'keep: last'],
  ])('refuses %s', (_, table, says) => {
    place = newPlace(`${SOURCE}  h: ${table}\n`);
    const outcome = place.dataflow(['validate']);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain(says);
  });

  it('says which expression is wrong', () => {
    place = newPlace(`${SOURCE}  h: { from: a, key: id, deleted_when: "opp = 'D'" }\n`);
    place.put({ 'in/1.csv': file([{ id: 1, day: 1, ville: 'A', op: 'U' }]) });
    const outcome = place.dataflow(['run']);
    expectError(outcome, 'E_SQL', 4);
    expect(outcome.stderr).toContain('deleted_when');
  });
});
