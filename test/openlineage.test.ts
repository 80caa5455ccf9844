import { readFileSync } from 'node:fs';
import { version as engineVersion } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPlace, type Place } from './support/fault-project.ts';
import { complaints, facetsOf, readSchemas } from './support/json-schema.ts';

/** `lineage --openlineage` against the schemas of the standard. */
const CONFIG = `
sources:
  orders: { type: files, path: data/*.csv, columns: { id: bigint, client: varchar, amount: varchar } }
silver:
  orders:
    from: orders
    select: { amount: "try_cast(amount as decimal(12,2))" }
    rules: [ { not_null: [amount] } ]
    key: id
    tests: [ { unique: id } ]
gold:
  per_client: { sql: "select client, sum(amount) as total from silver.orders group by client", key: client }
  broken: { sql: "select error(client) as x from silver.orders" }
`;

const ownVersion = (): unknown => JSON.parse(readFileSync('package.json', 'utf8')).version;

interface Event {
  readonly eventType: string;
  readonly run: { readonly runId: string; readonly facets: Readonly<Record<string, { readonly message?: string }>> };
  readonly job: { readonly name: string; readonly facets: Readonly<Record<string, { readonly query?: string }>> };
  readonly inputs: readonly Dataset[];
  readonly outputs: readonly Dataset[];
}
interface Dataset {
  readonly name: string;
  readonly facets: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly inputFacets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly outputFacets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const schemas = readSchemas('fixtures/openlineage');
let place: Place;
let events: readonly Event[] = [];
beforeAll(() => {
  place = newPlace(CONFIG);
  place.put({ 'data/a.csv': 'id,client,amount\n1,x,10\n2,y,5\n3,x,oops\n' });
  place.dataflow(['run']);
  const outcome = place.dataflow(['lineage', '--openlineage']);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  events = outcome.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
});
afterAll(() => place.remove());

const of = (job: string, type: string): Event | undefined =>
  events.find((one) => one.job.name === job && one.eventType === type);

describe('OpenLineage events', () => {
  it('fit the schemas of events and facets', () => {
    for (const event of events) {
      expect(complaints(schemas, 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent', event)).toEqual(
        [],
      );
      const facets = facetsOf(event);
      expect(facets.length).toBeGreaterThan(event.job.name === 'run' ? 0 : 4);
      for (const facet of facets) expect(complaints(schemas, facet._schemaURL, facet), facet._schemaURL).toEqual([]);
    }
  });

  it('the check can fail', () => {
    const url = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
    expect(complaints(schemas, url, { ...events[0], run: { runId: 'x' } })).toHaveLength(1);
    expect(complaints(schemas, url, { ...events[0], eventType: 'DONE' })).toHaveLength(1);
    expect(complaints(schemas, url, {}).length).toBeGreaterThan(2);
  });

  it('tell of every step that it started and how it ended', () => {
    const all = events.map((one) => `${one.job.name} ${one.eventType}`);
    expect([all[0], all.at(-1)]).toEqual(['run START', 'run FAIL']);
    expect(events.at(-1)?.run.facets['errorMessage']?.message).toMatch(/^E_/);
    const told = all.slice(1, -1);
    // Steps that do not wait for each other may come in either order.
    expect(told.toSorted()).toEqual([
      'bronze.orders COMPLETE',
      'bronze.orders START',
      'gold.broken FAIL',
      'gold.broken START',
      'gold.per_client COMPLETE',
      'gold.per_client START',
      'silver.orders COMPLETE',
      'silver.orders START',
    ]);
    for (const [i, one] of told.entries()) if (i % 2 === 0) expect(one).toMatch(/ START$/);
    expect(of('gold.broken', 'FAIL')?.run.facets['errorMessage']?.message).toMatch(/^E_/);
    expect(new Set(events.map((one) => one.run.runId)).size).toBe(5);
  });

  it('name the engine with its own version, and dataflow as the adapter', () => {
    const facets = events
      .slice(1, -1)
      .map((event) => event.run.facets['processing_engine'] as Readonly<Record<string, unknown>>);
    const expected = { name: 'duckdb', version: engineVersion(), openlineageAdapterVersion: ownVersion() };
    for (const facet of facets) expect(facet).toMatchObject(expected);
  });

  it('carry counts, tests, SQL, schema and column lineage', () => {
    const gold = of('gold.per_client', 'COMPLETE');
    expect(gold?.job.facets['sql']?.query).toContain('sum(amount)');
    expect(gold?.outputs[0]?.outputFacets?.['outputStatistics']).toMatchObject({ rowCount: 2 });
    expect(gold?.outputs[0]?.facets['schema']?.['fields']).toContainEqual({ name: 'total', type: 'decimal(38,2)' });
    const lineage = gold?.outputs[0]?.facets['columnLineage'] as { fields: Record<string, unknown>; dataset: unknown };
    expect(lineage.fields['total']).toMatchObject({
      inputFields: [{ field: 'amount', transformations: [{ type: 'DIRECT', subtype: 'AGGREGATION' }] }],
    });
    expect(lineage.dataset).toMatchObject([
      { field: 'client', transformations: [{ type: 'INDIRECT', subtype: 'GROUP_BY' }] },
    ]);
    const silver = of('silver.orders', 'COMPLETE');
    expect(silver?.outputs[0]?.facets['dataQualityAssertions']).toMatchObject({ assertions: [{ success: true }] });
    expect(silver?.inputs[0]?.inputFacets?.['dataQualityMetrics']).toMatchObject({
      rowCount: 3,
      columnMetrics: { id: { nullCount: 0 } },
    });
    expect(of('bronze.orders', 'COMPLETE')?.inputs[0]?.name).toBe(`${place.folder}/data/a.csv`);
  });
});
