import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace, type Place } from './support/fault-project.ts';

/** `validate --engine spark` as a user meets it: the built binary. What the texts compute is held against Spark in test/services. */
const CONFIG = `
sources:
  orders: { type: files, path: data/*.csv, columns: { id: bigint, client: varchar, amount: "decimal(12,2)", placed: timestamp } }
silver:
  orders: { from: orders, key: id }
gold:
  per_day: { sql: "select cast(placed as date) as day, sum(amount) as total, count(*) as n from silver.orders group by all", key: day }
  best: { sql: "select day, total\\nfrom gold.per_day\\nwhere hash(day) > 0 limit 3" }
  ours: { sql: { duckdb: "select hash(id) % 7 as bucket from silver.orders", spark: "select pmod(xxhash64(id), 7) as bucket from silver.orders" } }
`;

/** What the example projects want to be told; nobody is asked. */
const SETTINGS = {
  WAREHOUSE_URL: 'postgres://nobody@localhost/x',
  ERP_URL: 'postgres://nobody@localhost/x',
  FACTURES_API: 'http://localhost',
  PAYS_API: 'http://localhost',
  BANK_API: 'http://localhost',
};

let place: Place;
beforeAll(() => {
  place = newPlace(CONFIG);
});
afterAll(() => place.remove());

describe('dataflow validate --engine spark', () => {
  it('says of each model what becomes of it, and why one is refused', () => {
    const { status, stdout, stderr } = place.dataflow(['validate', '--engine', 'spark']);
    expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
    expect(stdout).toContain('gold.per_day  ok\ngold.best     refused\ngold.ours     own SQL\n');
    expect(stdout).toContain('gold.best, line 3, column 7 of its query: hash()\n');
    expect(stdout).toContain('gold.best: LIMIT without an order\n  Say with order by which rows come first.\n');
    expect(stdout).toContain('1 of 3 models translated, 1 with SQL of its own, 1 refused');
  });

  it('answers as a document, too', () => {
    const { status, stdout } = place.dataflow(['validate', '--engine', 'spark', '--format', 'json']);
    expect(status).toBe(2);
    const answer = JSON.parse(stdout) as { readonly models: readonly unknown[] };
    expect(answer).toMatchObject({ engine: 'spark', valid: false, totals: { ok: 1, own: 1, refused: 1 } });
    expect(answer.models[1]).toMatchObject({
      table: 'gold.best',
      result: 'refused',
      analysed: false,
      refusals: [{ line: 3, column: 7, construct: 'hash()' }, { construct: 'LIMIT without an order' }],
    });
  });

  it('shows the text of a model, and what stands in the way of one', () => {
    expect(place.dataflow(['validate', '--engine', 'spark', '--show', 'per_day'])).toMatchObject({
      status: 0,
      stderr: '',
      stdout: `SELECT
  CAST(\`orders\`.\`placed\` AS DATE) AS \`day\`,
  CAST(SUM(\`orders\`.\`amount\`) AS DECIMAL(38,2)) AS \`total\`,
  COUNT(*) AS \`n\`
FROM \`silver\`.\`orders\` AS \`orders\`
GROUP BY CAST(\`orders\`.\`placed\` AS DATE)
`,
    });
    expect(place.dataflow(['validate', '--engine', 'spark', '--show', 'ours']).stdout).toContain('xxhash64');
    expect(place.dataflow(['validate', '--engine', 'spark', '--show', 'best'])).toMatchObject({
      status: 2,
      stdout: '',
    });
    expect(place.dataflow(['validate', '--engine', 'spark', '--show', 'gone']).status).toBe(2);
    expect(place.dataflow(['validate', '--show', 'best']).stderr).toContain('--show goes with --engine');
    expect(place.dataflow(['validate', '--engine', 'trino']).stderr).toContain('Take --engine spark.');
  });

  it('puts every model of the example projects into Spark’s SQL', () => {
    for (const [project, models] of Object.entries({ crypto: 2, factures: 1, transactions: 3, weather: 3 })) {
      const folder = join(place.folder, project);
      cpSync(join('fixtures', 'projects', project), folder, { recursive: true });
      const { status, stdout } = place.dataflow(
        ['validate', '--engine', 'spark', '--config', join(folder, 'pipelines.yaml')],
        SETTINGS,
      );
      expect({ status, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({
        status: 0,
        last: `${project} on spark: ${models} of ${models} models translated, 0 refused`,
      });
    }
  });
});
