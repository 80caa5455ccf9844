import avsc from 'avsc';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Broker } from './kafka-support.ts';
import { describeService, service, uniqueName } from './service.ts';

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

const PLACE: avsc.Schema = {
  type: 'record',
  name: 'Place',
  namespace: 'shop',
  fields: [{ name: 'city', type: 'string' }],
};
const FIELDS = [
  { name: 'id', type: 'long' },
  { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } as avsc.Schema },
];
const order = (...more: readonly object[]): avsc.Schema =>
  ({ type: 'record', name: 'Order', namespace: 'shop', fields: [...FIELDS, ...more] }) as avsc.Schema;
const FIRST = order();
const SECOND = order({ name: 'place', type: ['null', 'shop.Place'], default: null });

describeService('schema_registry', ({ url }) => {
  const kafka = service('kafka');
  const broker = new Broker(kafka.url);
  const subject = uniqueName('order');
  const ids: Record<string, number> = {};
  const register = async (name: string, schema: unknown, more: object = {}): Promise<number> => {
    const answer = await fetch(`${url}/subjects/${name}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema), ...more }),
    });
    const said = (await answer.json()) as { readonly id?: number };
    return said.id ?? expect.unreachable(`${name}: ${JSON.stringify(said)}`);
  };
  beforeAll(async () => {
    const references: Reference[] = [{ name: 'shop.Place', subject: `${subject}-place`, version: 1 }];
    ids['place'] = await register(`${subject}-place`, PLACE);
    ids['first'] = await register(`${subject}-value`, FIRST);
    ids['second'] = await register(`${subject}-value`, SECOND, { references });
    ids['json'] = await register(
      `${subject}-json`,
      { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      { schemaType: 'JSON' },
    );
  });
  afterAll(() => broker.close());

  const message = (schema: string, body: Buffer): { readonly value: Buffer } => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(ids[schema] ?? 999_999, 1);
    return { value: Buffer.concat([head, body]) };
  };

  it('messages of two versions of a schema, one with a reference, become rows; those without a usable schema are set apart', async (context) => {
    if (!kafka.available) return context.skip(kafka.reason);
    const registry = {};
    avsc.Type.forSchema(PLACE, { registry });
    const first = avsc.Type.forSchema(FIRST, { registry: {} });
    const second = avsc.Type.forSchema(SECOND, { registry, wrapUnions: 'always' });
    const topic = await broker.topic('avro');
    await broker.send(topic, [
      message('first', first.toBuffer({ id: 1, total: Buffer.from('04d2', 'hex') })),
      message(
        'second',
        second.toBuffer({ id: 2, total: Buffer.from('ff', 'hex'), place: { 'shop.Place': { city: 'Orléans' } } }),
      ),
      message('second', second.toBuffer({ id: 3, total: Buffer.from('00', 'hex'), place: null })),
      message('json', Buffer.from('{}')),
      message('nowhere', Buffer.from('x')),
    ]);
    const reading = await broker.source(topic, { format: 'avro' }, { registry: url });
    await reading.pull();
    const rows = reading.rows.map(({ id, total, place, _offset }) => ({ id, total, place, _offset }));
    expect(rows.filter((row) => row.id !== undefined)).toMatchObject([
      { id: 1, total: '12.34', _offset: 0 },
      { id: 2, total: '-0.01', place: { city: 'Orléans' }, _offset: 1 },
      { id: 3, total: '0.00', place: null, _offset: 2 },
    ]);
    expect(reading.units.flatMap((unit) => unit.unreadable.map(({ reason }) => reason))).toEqual([
      `schema ${ids['json']} is JSON, not Avro`,
      'schema 999999 is not in the registry',
    ]);
    await reading.source.close?.();
  });
});
