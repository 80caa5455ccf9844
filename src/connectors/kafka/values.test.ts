import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import avsc from 'avsc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchOf, type GivenMessage } from '../../../test/support/record-batches.ts';
import { batchHeads, RecordCursor, readBatch } from './record-batch.ts';
import { SchemaRegistry } from './registry.ts';
import { RowBuffer } from './row-buffer.ts';
import { jsonValues, ndjsonValues, rawValues, textValues, type ValueReader } from './values.ts';
import { avroValues } from './values-avro.ts';
import { csvValues } from './values-csv.ts';

/** Rows as text without the columns that all have, and the reasons of what could not be read. */
async function read(reader: ValueReader, ...values: (Buffer | string)[]): Promise<string[]> {
  return readInto(new RowBuffer(), reader, ...values);
}

async function readInto(rows: RowBuffer, reader: ValueReader, ...values: (Buffer | string)[]): Promise<string[]> {
  const messages: GivenMessage[] = values.map((value, offset) => ({ offset, value }));
  const batch = await batchOf(async (bytes) => {
    const [head] = batchHeads(bytes);
    return head === undefined ? { damage: 'no batch' } : await readBatch(bytes, head);
  }, messages);
  await reader.prepare?.(batch);
  const found: string[] = [];
  const cursor = new RecordCursor(batch);
  rows.partition('t', 0);
  while (cursor.next()) {
    const reason = reader.read(cursor, rows);
    if (reason !== undefined) expect(rows.rows).toBe(0);
    const text = rows.take().toString();
    if (reason === undefined) found.push(...text.trimEnd().split('\n').map(withoutMessage));
    else found.push(reason);
  }
  return found;
}

function withoutMessage(line: string): string {
  JSON.parse(line);
  return line.replace(/^.*?"_tombstone":false,?/, '{');
}

describe('values of messages', () => {
  it('json: the bytes of the object as they are', async () => {
    expect(await read(jsonValues(), '{"a":1e400,"b":0.1000}', ' { } ', '{\n"a" : [\r\n1] }', '[]')).toEqual([
      '{"a":1e400,"b":0.1000}',
      '{}',
      '{ "a" : [  1] }',
      'it is not a JSON object',
    ]);
  });

  it('ndjson: a row a line, all of them or none', async () => {
    expect(await read(ndjsonValues(), '{"a":1}\r\n\n{"a":2}\n', '{"a":1}\n{"a":', '\n', '{"_record":1}')).toEqual([
      '{"_record":1,"a":1}',
      '{"_record":2,"a":2}',
      'line 2: it is not JSON: unexpected end',
      'it is empty',
      'line 1: it has a member named _record, which is a column of ours',
    ]);
  });

  it('csv: fields stay text, empty ones are null', async () => {
    const reader = csvValues({ fields: ['id', 'name'], delimiter: ';' });
    expect(await read(reader, '01;"a;""b"\r\n2;\n', '1', '1;"x', '1;"x"y', '1;""', Buffer.from([0xff]))).toEqual([
      '{"_record":1,"id":"01","name":"a;\\"b"}',
      '{"_record":2,"id":"2","name":null}',
      'record 1 has 1 fields, the source declares 2',
      'a quote is not closed',
      'something follows a closing quote',
      '{"_record":1,"id":"1","name":""}',
      'it is not UTF-8',
    ]);
  });

  it('of what a message has, only the columns that the table knows', async () => {
    const rows = (...names: string[]) => new RowBuffer(new Set(names));
    expect(await readInto(rows('_offset', 'a'), jsonValues(), '{"a":1}', '{}')).toEqual([
      '{"_offset":0,"a":1}',
      '{"_offset":1}',
    ]);
    expect(await readInto(rows('a'), jsonValues(), '{"a":1}', '{}')).toEqual(['{"a":1}', '{}']);
    expect(await readInto(rows('_record', 'a'), ndjsonValues(), '{"a":1}\n{}')).toEqual([
      '{"_record":1,"a":1}',
      '{"_record":2}',
    ]);
    expect(await readInto(rows('_record'), textValues('a'), 'x')).toEqual(['{"a":"x"}']);
    expect(await readInto(rows('_partition', '_key'), rawValues('a'), 'x')).toEqual([
      '{"_partition":0,"_key":null,"a":"eA=="}',
    ]);
  });

  it('text and raw: one column', async () => {
    expect(await read(textValues('line'), 'plain', 'é "q"\n', Buffer.from([0xff]))).toEqual([
      '{"line":"plain"}',
      '{"line":"é \\"q\\"\\n"}',
      '{"line":"base64:/w=="}',
    ]);
    expect(await read(rawValues('value'), Buffer.from([0, 255]))).toEqual(['{"value":"AP8="}']);
  });
});

describe('avro', () => {
  const address = { type: 'record', name: 'Address', fields: [{ name: 'city', type: 'string' }] };
  const logical = (type: unknown, logicalType: string, more = {}) => ({ type, logicalType, ...more });
  const order = {
    type: 'record',
    name: 'Order',
    fields: [
      { name: 'id', type: { type: 'long', logicalType: 'unheard-of' } },
      { name: 'total', type: logical('bytes', 'decimal', { precision: 20, scale: 2 }) },
      { name: 'at', type: logical('long', 'timestamp-micros') },
      { name: 'day', type: logical('int', 'date') },
      { name: 'time', type: logical('int', 'time-millis') },
      { name: 'ratio', type: 'double' },
      { name: 'note', type: ['null', 'string', 'long'] },
      { name: 'tags', type: { type: 'array', items: 'string' } },
      { name: 'to', type: 'Address' },
      { name: 'blob', type: 'bytes' },
    ],
  };
  const schemas: Record<string, unknown> = {
    '/schemas/ids/1': {
      schema: JSON.stringify(order),
      references: [{ name: 'Address', subject: 'address', version: 3 }],
    },
    '/subjects/address/versions/3': { schema: JSON.stringify(address) },
    '/schemas/ids/2': { schema: '"string"' },
    '/schemas/ids/3': { schema: '{}', schemaType: 'JSON' },
    '/schemas/ids/4': {
      schema: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: '_key', type: 'int' }] }),
    },
  };
  const asked: string[] = [];
  let server: Server;
  let failures = 1;
  let url = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.headers.authorization ?? ''} ${request.url}`);
      if (failures-- > 0) {
        response.writeHead(503).end();
        return;
      }
      const answer = schemas[request.url ?? ''];
      response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? { error_code: 40403 }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const wire = (id: number, body: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(id, 1);
    return Buffer.concat([head, body]);
  };

  it('keeps all digits, asks for each schema once, and sets apart what has no usable schema', async () => {
    // Written by the library's plain type, whose numbers stay within what it can write.
    const names = {};
    avsc.Type.forSchema(address as avsc.Schema, { registry: names });
    const writer = avsc.Type.forSchema(order as avsc.Schema, { registry: names, wrapUnions: 'always' });
    const value = (more: object) =>
      writer.toBuffer({
        id: 1,
        total: Buffer.from('ff6d3a', 'hex'),
        at: 1_700_000_000_123_456,
        day: 19_675,
        time: 3_723_004,
        ratio: 0.1,
        note: null,
        tags: ['a', 'é'],
        to: { city: 'Lyon' },
        blob: Buffer.from([0, 255]),
        ...more,
      });
    const reader = avroValues(new SchemaRegistry({ url: `${url}/`, user: 'me', password: 'secret' }));
    const found = await read(
      reader,
      wire(1, Buffer.concat([Buffer.from('feffffffffffffffff01', 'hex'), value({}).subarray(1)])),
      wire(1, value({ at: -1, note: { long: 5 }, ratio: Number.NaN, total: Buffer.from([5]) })),
      wire(1, value({}).subarray(0, 9)),
      wire(2, Buffer.alloc(1)),
      wire(3, Buffer.alloc(1)),
      wire(4, Buffer.alloc(1)),
      wire(9, Buffer.alloc(1)),
      'text',
    );
    expect(found).toEqual([
      '{"id":9223372036854775807,"total":"-375.74","at":"2023-11-14T22:13:20.123456Z","day":"2023-11-14","time":"01:02:03.004000","ratio":0.1,"note":null,"tags":["a","é"],"to":{"city":"Lyon"},"blob":"AP8="}',
      '{"id":1,"total":"0.05","at":"1969-12-31T23:59:59.999999Z","day":"2023-11-14","time":"01:02:03.004000","ratio":"NaN","note":5,"tags":["a","é"],"to":{"city":"Lyon"},"blob":"AP8="}',
      'it is not what schema 1 says: truncated buffer',
      'schema 2 is no record but string',
      'schema 3 is JSON, not Avro',
      'it has a field named _key, which is a column of ours',
      'schema 9 is not in the registry',
      'it does not begin with the number of a schema',
    ]);
    const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(asked.filter((line) => line.endsWith('/schemas/ids/1'))).toEqual([
      `${authorization} /schemas/ids/1`,
      `${authorization} /schemas/ids/1`,
    ]);
  });

  it('an answer without end is not read to its end', async () => {
    let sent_bytes = 0;
    const endless = createServer((_, response) => {
      const piece = Buffer.alloc(1_000_000, ' ');
      const send = (): void => {
        sent_bytes += piece.length;
        if (!response.destroyed && response.write(piece)) setImmediate(send);
      };
      response.on('drain', send);
      send();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    try {
      const port = (endless.address() as AddressInfo).port;
      const reader = avroValues(new SchemaRegistry({ url: `http://127.0.0.1:${port}` }));
      await expect(read(reader, wire(1, Buffer.alloc(1)))).rejects.toMatchObject({
        code: 'E_SOURCE_UNREACHABLE',
        message: expect.stringContaining('answered with more than'),
      });
      expect(sent_bytes).toBeLessThan(100_000_000);
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });

  it('a registry that cannot be asked stops the pull instead of poisoning its messages', async () => {
    const reader = avroValues(new SchemaRegistry({ url: 'http://127.0.0.1:1' }));
    await expect(read(reader, wire(1, Buffer.alloc(1)))).rejects.toMatchObject({
      code: 'E_SOURCE_UNREACHABLE',
      exit_code: 5,
    });
  });
});
