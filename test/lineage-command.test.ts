import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectError, newPlace, type Place } from './support/fault-project.ts';

/** `lineage` as a user meets it: the built binary on a small project. */
const CONFIG = `
sources:
  orders: { type: files, path: data/*.csv, columns: { id: bigint, client: varchar, amount: varchar } }
silver:
  orders:
    from: orders
    select: { amount: "try_cast(amount as decimal(12,2))" }
    rules: [ { not_null: [amount] } ]
    key: id
gold:
  per_client: { sql: "select client, sum(amount) as total from silver.orders group by client", key: client }
  best: { sql: "select client from gold.per_client order by total desc limit 1" }
`;

let place: Place;
beforeAll(() => {
  place = newPlace(CONFIG);
});
afterAll(() => place.remove());

function lines(...args: readonly string[]): readonly string[] {
  const outcome = place.dataflow(['lineage', ...args]);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  for (const line of outcome.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  return outcome.stdout.trimEnd().split('\n');
}

describe('dataflow lineage', () => {
  it('draws the tables of a project that never ran', () => {
    expect(lines()).toEqual([
      'source.orders',
      '└─ bronze.orders',
      '   └─ silver.orders',
      '      └─ gold.per_client',
      '         └─ gold.best',
    ]);
  });

  it('follows a column to its source, with what decides about the rows', () => {
    expect(lines('gold.per_client.total', '--upstream')).toEqual([
      'gold.per_client.total comes from:',
      '├─ silver.orders.amount (aggregation)',
      '│  ├─ bronze.orders.amount (transformation, filter)',
      '│  │  └─ source.orders.amount',
      '│  └─ bronze.orders.id (group_by)',
      '└─ silver.orders.client (group_by)',
      'columns that only decide (join, filter, sort ...) are not followed further',
    ]);
    expect(lines('bronze.orders.client', '--downstream')).toContain('└─ silver.orders.client');
  });

  it('writes Mermaid, DOT and JSON', () => {
    expect(lines('best', '--output', 'mermaid')[0]).toBe('flowchart LR');
    expect(lines('best', '--output', 'dot').at(-1)).toBe('}');
    const document = JSON.parse(lines('gold.best', '--columns', '--output', 'json').join('\n')) as {
      readonly column_edges: readonly unknown[];
    };
    expect(document.column_edges).toContainEqual({
      from: { table: 'gold.per_client', column: 'total' },
      to: { table: 'gold.best', column: 'client' },
      way: 'sort',
    });
    expect(JSON.parse(lines('--format', 'json').join('\n'))).toMatchObject({ edges: expect.any(Array) });
  });

  it('refuses a table or column that is not there', () => {
    expectError(place.dataflow(['lineage', 'gold.nosuch']), 'E_USAGE', 2);
    expectError(place.dataflow(['lineage', 'gold.best.nosuch']), 'E_USAGE', 2);
    expectError(place.dataflow(['lineage', '--upstream', '--downstream']), 'E_USAGE', 2);
  });

  it('leads on to the streams that a table feeds', () => {
    const place = newPlace(
      `${CONFIG}connections:\n  k: { type: kafka, brokers: ["127.0.0.1:1"] }\nstreams:\n  best: { from: gold.best, connection: k, topic: t, key: client }\n`,
    );
    try {
      const { stdout } = place.dataflow(['lineage', 'gold.best', '--downstream']);
      expect(stdout.trimEnd().split('\n').slice(-1)).toEqual(['└─ stream.best']);
      expect(place.dataflow(['lineage', 'best']).stdout).toContain('gold.best comes from');
      expect(place.dataflow(['lineage', 'stream.best.client', '--upstream']).stdout).toContain('orders.client');
    } finally {
      place.remove();
    }
  });
});
