import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SchemaRegistryStandIn, schemaRegistry } from './schema-registry.ts';

const ORDER = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'long' }] };
const OLDER = { type: 'record', name: 'Order', fields: [] };

let registry: SchemaRegistryStandIn;
beforeEach(async () => {
  registry = await schemaRegistry();
});
afterEach(() => registry.close());

const get = async (path: string): Promise<unknown> => (await fetch(`${registry.url}${path}`)).json();

describe('stand-in for a schema registry', () => {
  it('gives one number to one schema, and versions to a subject', async () => {
    expect(await registry.register('orders-value', OLDER)).toBe(1);
    expect(await registry.register('orders-value', ORDER)).toBe(2);
    expect(await registry.register('other/value', ORDER)).toBe(2);
    expect(await get('/schemas/ids/2')).toEqual({ schema: JSON.stringify(ORDER) });
    expect(await get('/subjects/orders-value/versions/latest')).toMatchObject({ version: 2, id: 2 });
    expect(await get('/subjects/other%2Fvalue/versions/1')).toMatchObject({ subject: 'other/value', id: 2 });
    expect(await get('/subjects')).toEqual(['orders-value', 'other/value']);
  });

  it('says what it does not have, as the real one does', async () => {
    expect(await get('/schemas/ids/7')).toMatchObject({ error_code: 40403 });
    expect(await get('/subjects/orders-value/versions/latest')).toMatchObject({ error_code: 40402 });
  });

  it('fails when it is told to', async () => {
    await registry.register('orders-value', ORDER);
    registry.fail(503, 1);
    const statuses = [];
    for (const _ of [1, 2]) statuses.push((await fetch(`${registry.url}/schemas/ids/1`)).status);
    expect(statuses).toEqual([503, 200]);
    expect(registry.requests.slice(1)).toEqual(['GET /schemas/ids/1', 'GET /schemas/ids/1']);
  });
});
