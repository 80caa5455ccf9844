import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { component as publisher } from '../../src/connectors/kafka/publisher.ts';
import { Broker, connectionOptions } from './kafka-support.ts';
import { describeService, uniqueName } from './service.ts';

describeService('kafka', ({ url }) => {
  const broker = new Broker(url);
  afterAll(() => broker.close());
  let root: string;
  let topic: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dataflow-publish-'));
    topic = uniqueName('orders');
    writeFileSync(
      join(root, 'pipelines.yaml'),
      `name: ${topic}
connections:
  events: { type: kafka, brokers: ["${url}"] }
sources:
  orders: { type: files, path: "*.csv", settle_seconds: 0, columns: { id: bigint, at: timestamptz, amount: "decimal(38,2)", ratio: double, op: varchar } }
silver:
  orders: { from: orders, key: id, dedupe: { keep: last, by: at }, deleted_when: op = 'D' }
streams:
  out: { from: silver.orders, connection: events, topic: ${topic}, batch_rows: 50 }
`,
    );
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const dataflow = (args: readonly string[], env: Record<string, string> = {}) =>
    new Promise<{ status: number | null; signal: string | null; text: string }>((done) => {
      const child = spawn(process.execPath, [resolve('bin/dataflow.js'), ...args], {
        cwd: root,
        env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(root, '.cache'), ...env },
      });
      const parts: Buffer[] = [];
      child.stdout.on('data', (part: Buffer) => parts.push(part));
      child.stderr.on('data', (part: Buffer) => parts.push(part));
      child.on('close', (status, signal) => done({ status, signal, text: Buffer.concat(parts).toString() }));
    });
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { status, text } = await dataflow(args);
    expect(status, text).toBe(0);
    return text;
  };
  const orders = (file: string, ...lines: readonly string[]) =>
    writeFileSync(join(root, file), ['id,at,amount,ratio,op', ...lines, ''].join('\n'));

  /** Committed messages: key, value and headers, partition by partition. */
  async function published(): Promise<Message[]> {
    const reading = await broker.source(topic, { format: 'text' });
    const { rows } = await reading.pull();
    await reading.source.close();
    return rows.map((row) => ({
      key: row['_key'] as string | null,
      value: (row['value'] as string | undefined) ?? null,
      headers: JSON.parse(String(row['_headers'])) as Record<string, string>,
    }));
  }

  it('sends rows that are new, changed or gone, once each, with every digit', async () => {
    orders(
      '1.csv',
      '1,2024-01-01T00:00:00Z,123456789012345678901234567890.12,0.1,U',
      '2,2024-01-01T01:00:00.5+02:00,2.50,nan,U',
    );
    expect((await dataflow(['stream', 'publish', 'out'])).text).toContain('E_NO_RELEASE');
    await ok('run');
    expect(await ok('stream', 'publish', 'out', '--dry-run')).toContain('2 messages would go to topic');
    expect(await ok('stream', 'publish', 'out')).toContain('2 messages went to topic');
    expect(await ok('stream', 'publish', 'out')).toContain('is in topic');
    orders(
      '2.csv',
      '1,2024-01-02T00:00:00Z,5,0.1,U',
      '2,2024-01-03T00:00:00Z,2.50,0,D',
      '3,2024-01-02T00:00:00Z,1,inf,U',
    );
    await ok('run');
    expect(await ok('stream', 'publish', 'out')).toContain('1 insert, 1 update, 1 deletion');
    const words = (text: string): string => text.replace(/\s+/g, ' ');
    const stream = `stream out (topic ${topic})`;
    expect(words(await ok('trace', '2.csv:2'))).toContain(`destination: ${stream} of silver.orders: version 1 is out`);
    expect(words(await ok('undo', '--dry-run'))).toContain(`${stream} would differ: version 1 of silver.orders is out`);
    const sent = await published();
    expect(
      sent.map(({ key, value, headers }) => [key, headers['dataflow-op'], headers['dataflow-version'], value]),
    ).toEqual([
      [
        '1',
        'insert',
        '0',
        '{"id":1,"at":"2024-01-01T00:00:00.000000Z","amount":123456789012345678901234567890.12,"ratio":0.1,"op":"U"}',
      ],
      ['2', 'insert', '0', '{"id":2,"at":"2023-12-31T23:00:00.500000Z","amount":2.50,"ratio":"nan","op":"U"}'],
      ['1', 'update', '1', '{"id":1,"at":"2024-01-02T00:00:00.000000Z","amount":5.00,"ratio":0.1,"op":"U"}'],
      ['2', 'delete', '1', null],
      ['3', 'insert', '1', '{"id":3,"at":"2024-01-02T00:00:00.000000Z","amount":1.00,"ratio":"inf","op":"U"}'],
    ]);
    expect(sent.every(({ headers }) => headers['dataflow-table'] === 'silver.orders')).toBe(true);
  });

  describe('killed between transactions', () => {
    it.each([
      ['stream-before-publish', 1],
      ['stream-after-publish', 1],
      ['stream-before-publish', 3],
      ['stream-after-publish', 4],
    ])('at %s, pass %i: the next attempt sends what is left, each key once a version', async (point, nth) => {
      orders('1.csv', ...Array.from({ length: 220 }, (_, id) => `${id},2024-01-01T00:00:00Z,${id},0,U`));
      await ok('run');
      const died = await dataflow(['stream', 'publish', 'out'], { DATAFLOW_FAULT: `${point}:kill@${nth}` });
      expect(died.signal, died.text).toBe('SIGKILL');
      // More comes before it goes on: the version that was begun is finished first.
      orders('2.csv', '7,2024-01-02T00:00:00Z,7777,0,U');
      await ok('run');
      await ok('stream', 'publish', 'out');
      const sent = (await published()).map(({ key, headers }) => `${key} ${headers['dataflow-version']}`);
      expect(new Set(sent).size).toBe(sent.length);
      const first = nth === 1 && point === 'stream-before-publish' ? '1' : '0';
      expect(sent.filter((one) => one !== '7 1').every((one) => one.endsWith(` ${first}`))).toBe(true);
      expect(sent.length).toBe(first === '1' ? 220 : 221);
    });
  });

  describe('a version that is half published', () => {
    const half = async () => {
      orders('1.csv', ...Array.from({ length: 220 }, (_, id) => `${id},2024-01-01T00:00:00Z,${id},0,U`));
      await ok('run');
      await dataflow(['stream', 'publish', 'out'], { DATAFLOW_FAULT: 'stream-after-publish:kill@2' });
      expect((await published()).length).toBe(100);
    };
    const refused = async (words: string) => {
      const { status, text } = await dataflow(['stream', 'publish', 'out']);
      expect([status, text.replaceAll(/\s+/g, ' ')]).toEqual([1, expect.stringContaining(words)]);
      expect(text).toContain('E_STREAM_POSITION');
      expect((await published()).length).toBe(100);
    };

    it('is not finished in another order', async () => {
      await half();
      const file = join(root, 'pipelines.yaml');
      const before = readFileSync(file, 'utf8');
      writeFileSync(file, before.replace('batch_rows: 50', 'batch_rows: 50, key: [amount, id]'));
      await refused('the way its messages are made was changed');
      writeFileSync(file, before);
      expect(await ok('stream', 'publish', 'out')).toContain('120 messages went to topic');
    });

    it('is not finished with the rows of a table that was made anew', async () => {
      await half();
      rmSync(join(root, 'lake'), { recursive: true });
      orders('1.csv', ...Array.from({ length: 220 }, (_, id) => `${id + 500},2024-01-01T00:00:00Z,${id},0,U`));
      await ok('run');
      await refused('the table was made anew since then');
      expect(await ok('stream', 'publish', 'out', '--full')).toContain('220 messages went to topic');
    });
  });

  it('a position behind the open transaction of another stream is waited for', async () => {
    const open = (id: string) =>
      publisher.open({
        id,
        topic,
        compression: 'none',
        root,
        connection: { name: 'events', type: 'kafka', options: connectionOptions({ brokers: [url] }) },
        signal: new AbortController().signal,
        note: () => undefined,
      });
    const ours = await open(topic);
    expect(await ours.begin()).toBeUndefined();
    const other = broker.kafka.producer({
      transactionalId: `${topic}-other`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await other.connect();
    const left_open = await other.transaction();
    await left_open.send({ topic: 'dataflow-positions', messages: [{ key: `${topic}-other`, value: '{}' }] });
    const numbers = { sequence: 1, version: 0, version_committed_at_ms: 1, target: 0, done: 0, messages: 1 };
    const texts = { stream: 'out', topic, table: 'silver.orders', run_id: 'r', published_at: 'now' };
    await ours.publish([{ key: '1', value: '{}', headers: {} }], { ...numbers, ...texts });
    await ours.close();
    const again = await open(topic);
    const ended = new Promise((done) => setTimeout(done, 1500)).then(() => left_open.abort());
    expect(await again.begin()).toMatchObject({ sequence: 1 });
    await ended;
    await again.close();
    await other.disconnect();
  });

  it('a table that was made anew is noticed, and published whole when that is asked for', async () => {
    orders('1.csv', '1,2024-01-01T00:00:00Z,1,0,U');
    await ok('run');
    await ok('stream', 'publish', 'out');
    rmSync(join(root, 'lake'), { recursive: true });
    orders('1.csv', '1,2024-01-01T00:00:00Z,2,0,U');
    await ok('run');
    const refused = await dataflow(['stream', 'publish', 'out']);
    expect([refused.status, refused.text]).toEqual([1, expect.stringContaining('E_STREAM_POSITION')]);
    expect(await ok('stream', 'publish', 'out', '--full')).toContain('1 message went to topic');
    expect(await ok('stream', 'publish', 'out')).toContain('is in topic');
  });
});

interface Message {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}
