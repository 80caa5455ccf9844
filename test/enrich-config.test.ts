import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadProject } from '../src/app/project/load-project.ts';
import { component as http } from '../src/connectors/http/lookup.ts';
import { DataflowErrors } from '../src/core/errors/dataflow-error.ts';
import type { AskedEnrich } from '../src/core/model/enrich.ts';
import { codeFingerprint } from '../src/core/planning/fingerprint.ts';
import { buildGraph } from '../src/core/planning/graph.ts';
import { testComponents } from './support/components.ts';

/** `enrich:` as it is written: what is refused and where, what is masked, what makes a table be computed again. */
const components = { ...testComponents, lookups: new Map([['http', http]]) };
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-enrich-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const load = async (enrich: string, more = '') => {
  writeFileSync(
    join(root, 'pipelines.yaml'),
    `sources:
  f: { type: files, path: x, columns: { id: bigint, pays: varchar } }
  p: { type: files, path: y, columns: { code: varchar, region: varchar } }
silver:
  pays: { from: p${more} }
  f:
    from: f
    enrich:
      - ${enrich}
    rules: [ { not_null: [region] } ]
`,
  );
  return loadProject({
    cwd: root,
    env: { PAYS: 'https://pays.example' },
    components: () => Promise.resolve(components),
  });
};
const problems = async (enrich: string, more?: string): Promise<readonly string[]> => {
  try {
    await load(enrich, more);
    return [];
  } catch (error) {
    if (!(error instanceof DataflowErrors)) throw error;
    return error.errors.map((one) => `${one.place?.line}:${one.place?.column} ${one.message} [${one.hint}]`);
  }
};
const asked = async (enrich: string): Promise<AskedEnrich> =>
  (await load(enrich)).project.silver['f']?.enrich?.[0] as AskedEnrich;
const URL = 'lookup: http, url: "${PAYS}/pays/{pays}"';

describe('enrich in pipelines.yaml', () => {
  it('finds the columns that the address names, and has defaults', async () => {
    expect(await asked(`{ ${URL}, query: { id: "{id}" }, add: { region: $.region } }`)).toMatchObject({
      lookup: 'http',
      name: 'enrich_region',
      columns: ['pays', 'id'],
      add: { region: { from: '$.region' } },
      on_failure: 'quarantine',
      on_null: 'keep',
      cache_days: 30,
      concurrency: 4,
      failed_max_pct: 50,
    });
  });

  it.each([
    ['{ add: { region: $.r } }', 'lookup is missing (one of table, http)'],
    ['{ lookup: htp, add: { region: $.r } }', '"htp" is not known; one of table, http [Did you mean http?]'],
    [`{ ${URL}, add: { region: region } }`, 'expected a path into the answer, such as $.region'],
    [`{ ${URL}, add: { region: $.r }, retrys: 3 }`, 'retrys: unknown key'],
    [`{ ${URL}, add: { region: { from: $.r, type: bigin } } }`, '"bigin" is not a type'],
    ['{ lookup: http, url: "https://x/pays", add: { region: $.r } }', 'names no column: write {column}'],
    [
      '{ lookup: http, url: "https://x/{pay}", add: { region: $.r } }',
      'silver.f has no column pay [Did you mean pays?]',
    ],
    [`{ ${URL}, add: { id: $.r, region: $.q } }`, 'the row has a column id already'],
    [
      '{ lookup: table, table: silver.pay, on: { pays: code }, add: { region: region } }',
      'there is no table silver.pay [Did you mean',
    ],
    [
      '{ lookup: table, table: silver.pays, on: { pays: cod }, add: { region: region } }',
      'silver.pays has no column cod [Did you mean code?]',
    ],
    ['{ lookup: table, table: silver.pays, on: { pay: code }, add: { region: region } }', 'silver.f has no column pay'],
    [
      '{ lookup: table, table: silver.pays, on: { pays: code }, add: { region: regio } }',
      'silver.pays has no column regio',
    ],
    ['{ lookup: table, table: silver.pays, on: { pays: code }, add: { region: region }, cache_days: 3 }', 'cache_days'],
    ['{ lookup: table, table: silver.f, on: { pays: pays }, add: { region: id } }', 'in a circle: silver.f → silver.f'],
  ])('%s is refused at its place', async (enrich, message) => {
    const found = await problems(enrich);
    expect(found.join('\n')).toContain(message);
    for (const one of found) expect(one).toMatch(/^\d+:\d+ /);
  });

  it('tables that take values from each other are a circle', async () => {
    const found = await problems(
      '{ lookup: table, table: silver.pays, on: { pays: code }, add: { region: region } }',
      ', enrich: [ { lookup: table, table: silver.f, on: { code: pays }, add: { id: id } } ]',
    );
    expect(found.join('\n')).toContain('in a circle: ');
  });

  it('secrets come from files and are masked', async () => {
    writeFileSync(join(root, 'token'), 'jeton-secret\n');
    const { secrets, project } = await load(
      `{ ${URL}, add: { region: $.r }, auth: { type: bearer, token: "file:token" } }`,
    );
    expect(secrets).toContain('jeton-secret');
    const enrich = project.silver['f']?.enrich?.[0] as AskedEnrich | undefined;
    expect(enrich?.options['auth']).toMatchObject({ token: 'jeton-secret' });
  });

  it('what decides the rows is part of the definition; the host, how it is asked and how long it counts are not', async () => {
    const print = async (enrich: string): Promise<string> => {
      const { project } = await load(enrich);
      const node = buildGraph(project, components.checks).byKey.get('silver.f');
      if (node === undefined) throw new Error('no table');
      return codeFingerprint(node);
    };
    const plain = await print(`{ ${URL}, add: { region: $.r } }`);
    const same = [
      `{ lookup: http, url: "http://localhost:8080/pays/{pays}", add: { region: $.r } }`,
      `{ ${URL}, add: { region: $.r }, cache_days: 1, concurrency: 9, retry: { attempts: 2 }, auth: { type: bearer, token: abcdef } }`,
    ];
    for (const enrich of same) expect(await print(enrich)).toBe(plain);
    const other = [
      `{ ${URL}, add: { region: $.q } }`,
      `{ ${URL}, add: { region: $.r }, query: { lang: fr } }`,
      `{ ${URL}, add: { region: $.r }, on_failure: keep }`,
      `{ lookup: http, url: "\${PAYS}/v2/pays/{pays}", add: { region: $.r } }`,
    ];
    for (const enrich of other) expect(await print(enrich)).not.toBe(plain);
  });
});
