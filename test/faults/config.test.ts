import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { expectDone, filesBelow, newPlace, type Place } from '../support/fault-project.ts';

/** The configuration half of case 50: secrets stay secret, and a hostile YAML file costs nothing. */
const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function placeOf(config: string, whole = false): Place {
  const place = newPlace(config);
  places.push(place);
  if (whole) place.put({ 'pipelines.yaml': config });
  return place;
}

const laughs = (): string =>
  `version: 1\nname: x\na: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij'].map((name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghij'[i]}`).join(',')}]\n`).join('')}`;

it.each([
  ['aliases within aliases', laughs()],
  ['50,000 brackets', `version: 1\nname: ${'['.repeat(50_000)}`],
  ['10,000 levels of mappings', `version: 1\nname: ${'{a: '.repeat(10_000)}`],
  ['a file of 20 MB', `version: 1\nname: x\n# ${'x'.repeat(20_000_000)}\n`],
  [
    'keys of the prototype',
    'version: 1\nname: x\n__proto__: { polluted: 1 }\nsources:\n  constructor: { type: files, path: a.csv }\n',
  ],
  ['a key twice', 'version: 1\nname: x\nname: y\n'],
  ['several documents', 'version: 1\nname: x\n---\nversion: 1\n'],
  ['a tag of another language', 'version: 1\nname: !!js/function "function(){}"\n'],
])('case 50: %s is refused with its place, at once', (_, text) => {
  const place = placeOf(text, true);
  const started_ms = Date.now();
  const outcome = place.dataflow(['validate']);
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(2);
  expect(outcome.stderr).toMatch(/^error\[E_CONFIG_\w+\] /m);
  expect(outcome.stderr).toMatch(/ {2}at pipelines\.yaml/);
  expect(outcome.stderr.length).toBeLessThan(20_000);
  expect(Date.now() - started_ms).toBeLessThan(15_000); // unfolded, any of them would take minutes
});

const SECRET = 'hunter2-Pa55word';
const withSecret = (name: string): string =>
  `sources:\n  t: { type: files, path: "in/\${${name}}/*.csv", settle_seconds: 0, columns: { id: bigint } }\ngold:\n  g: { sql: "select '\${${name}}' as s, cast('x' as bigint) as i from bronze.t" }\n`;

it('case 50: a variable that is not set is an error with its place, never empty', () => {
  const place = placeOf(withSecret('DATAFLOW_TEST_UNSET'));
  const outcome = place.dataflow(['run'], { DATAFLOW_TEST_UNSET: undefined });
  expect(outcome.status).toBe(2);
  expect(outcome.stderr).toMatch(/error\[E_SECRET_UNSET\].*DATAFLOW_TEST_UNSET/);
  expect(outcome.stderr).toMatch(/at pipelines\.yaml:\d+:\d+/);
  expect(existsSync(join(place.folder, 'lake'))).toBe(false);
});

it('case 50: credentials on the command line and in URLs are in no output, log, ledger or manifest', () => {
  const place = placeOf(
    `sources:\n  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } }\n`,
  );
  place.put({ 'in/a.csv': 'id\n1\n' });
  const url = `postgres://me:${SECRET}@db.example/x`;
  const outcomes = [
    place.dataflow(['run', '--verbose', '--exclude', url]),
    place.dataflow(['run', '--verbose']),
    place.dataflow(['query', `select '${url}' from nowhere`, '--verbose']),
    place.dataflow(['status', '--runs', '5']),
  ];
  for (const { stdout, stderr } of outcomes) expect(stdout + stderr).not.toContain(SECRET);
  expectDone(place.dataflow(['run']));
  const files = filesBelow(join(place.folder, 'lake'), '').map((name) => join(place.folder, 'lake', name));
  for (const file of files.filter((name) => /\.(json|db|db-wal|log)$/.test(name)))
    expect(readFileSync(file).includes(SECRET), file).toBe(false);
});
