import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Outcome, type Place } from './support/fault-project.ts';

/** `enrich:` by a table of a SQLite file, through the built program; and what `doctor` and `compact` do with lookups. */
const { DatabaseSync } = createRequire(import.meta.url)(
  '@photostructure/sqlite',
) as typeof import('@photostructure/sqlite');

let place: Place;
afterEach(() => place.remove());

const LOOKUP = `lookup: sqlite, path: ref.db, table: articles, on: { article: id, pays: pays }, cache_days: 2`;
const project = (lookup = LOOKUP): Place => {
  place = newPlace(`sources:
  f: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, article: bigint, pays: varchar } }
silver:
  f:
    from: f
    enrich:
      - { ${lookup}, add: { prix: { from: prix, type: "decimal(20,2)" }, poids: poids, neuf: neuf, code: code } }
    key: id
`);
  place.put({ 'in/a.csv': 'id,article,pays\n1,7,FR\n2,7,BE\n3,8,FR\n4,9,FR\n5,,FR\n' });
  return place;
};
const change = (sql: string): void => {
  const db = new DatabaseSync(join(place.folder, 'ref.db'));
  db.exec(sql);
  db.close();
};
const table = (): readonly unknown[] =>
  place.query('select id::int as id, prix, poids, neuf, code from silver.f order by id').map(Object.values);
const finding = (outcome: Outcome): unknown =>
  (JSON.parse(outcome.stdout) as { findings: readonly { check: string }[] }).findings.find(({ check }) =>
    check.startsWith('lookup '),
  );

const TABLE = `create table articles (id integer, pays text, prix decimal(20,2), poids real, neuf boolean, code);
  insert into articles values (7, 'FR', 12345678901234.25, 0.1, 1, 9007199254740993), (7, 'BE', 2, 1e300, 0, 'x'), (8, 'FR', null, null, null, null)`;

it('finds each distinct key in one question, exactly; a key without a row waits in quarantine', {
  timeout: 60_000,
}, () => {
  project();
  change(TABLE);
  expectDone(place.dataflow(['run']));
  expect(table()).toEqual([
    [1, '12345678901234.25', '0.1', 'true', '9007199254740993'],
    [2, '2.00', '1e+300', 'false', 'x'],
    [3, null, null, null, null],
    [5, null, null, null, null],
  ]);
  const shown = place.dataflow(['quarantine', 'show', 'silver.f', '--format', 'json']);
  expect(JSON.parse(shown.stdout)).toMatchObject([
    { rule: 'enrich_prix', reason: 'article = 9, pays = FR: articles has no row for it' },
  ]);
  change(`insert into articles values (9, 'FR', 1, 1, 1, 'new')`);
  expectDone(place.dataflow(['quarantine', 'replay', 'silver.f']));
  expect(table()).toContainEqual([4, '1.00', '1.0', 'true', 'new']);

  // What is remembered counts for two days; then compact forgets it, but for one key by which it is seen whether anybody answers.
  const dry = place.dataflow(['compact', '--dry-run']);
  expect(dry.stdout).not.toContain('lookups');
  age(3);
  expect(place.dataflow(['compact', '--dry-run']).stdout).toContain('would be: 3 old answers of lookups forgotten');
  expect(remembered()).toBe(4);
  expect(JSON.parse(place.dataflow(['compact', '--format', 'json']).stdout)).toMatchObject({ lookup_answers: 3 });
  expect(remembered()).toBe(1);
  expect(place.dataflow(['compact']).stdout).not.toContain('lookups');
});

it('two rows of one key, columns and tables that are not there fail the step; doctor tells before', {
  timeout: 60_000,
}, () => {
  project();
  change(TABLE);
  const before = place.dataflow(['doctor', '--format', 'json']);
  expect(finding(before)).toMatchObject({
    check: 'lookup f.enrich_prix',
    status: 'ok',
    message: 'ref.db: articles can be read',
  });
  change(`insert into articles values (7, 'FR', 1, 1, 1, 1)`);
  expectError(place.dataflow(['run']), 'E_LOOKUP_AMBIGUOUS', 4);
  change('alter table articles rename column poids to masse');
  expect(finding(place.dataflow(['doctor', '--format', 'json']))).toMatchObject({
    status: 'fail',
    message: expect.stringContaining('no such column: t.poids'),
  });
  expectError(place.dataflow(['run']), 'E_SOURCE_QUERY', 1);
  change('drop table articles');
  expectError(place.dataflow(['run']), 'E_SOURCE_QUERY', 1);
});

/** Makes every answer older. */
function age(days: number): void {
  const db = new DatabaseSync(join(place.folder, 'lake/_dataflow/ledger.db'));
  db.exec(`update lookup_answers set asked_at_ms = asked_at_ms - ${days * 86_400_000}`);
  db.close();
}

function remembered(): number {
  const db = new DatabaseSync(join(place.folder, 'lake/_dataflow/ledger.db'), { readOnly: true });
  const { n } = db.prepare('select count(*) as n from lookup_answers').get() as { n: number };
  db.close();
  return n;
}
