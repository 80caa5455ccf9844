import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { SourceProject } from '../../src/connectors/testing/source-project.ts';
import { Broker } from './kafka-support.ts';
import { describeService, uniqueName } from './service.ts';

describeService('kafka', ({ url }) => {
  const broker = new Broker(url);
  afterAll(() => broker.close());

  it('stream run sends what its sources changed to the topics of streams, each key once, also after a kill', async () => {
    const [topic, other] = [uniqueName('served'), uniqueName('apart')];
    const project = new SourceProject({ source: { type: 'fake', rate: 40 } });
    const file = join(project.root, 'pipelines.yaml');
    writeFileSync(
      file,
      `${readFileSync(file, 'utf8')}  b: { type: fake, rows: 5 }
connections:
  events: { type: kafka, brokers: ["${url}"] }
silver:
  s: { from: s, key: id }
  b: { from: b, key: id }
streams:
  out: { from: silver.s, connection: events, topic: ${topic} }
  apart: { from: silver.b, connection: events, topic: ${other} }
`,
    );
    const sent = async (of: string): Promise<readonly string[]> => {
      const reading = await broker.source(of, { format: 'text' });
      const { rows } = await reading.pull();
      await reading.source.close();
      return rows.map((row) => String(row['_key']));
    };
    const ids = async () =>
      (await project.query('select id from silver.s order by id')).map((row) => String(row['id']));
    const inOrder = (keys: readonly string[]) => [...keys].sort((a, b) => Number(a) - Number(b));
    try {
      const first = await project.ok(['stream', 'run', 's', '--for', '4s', '--format', 'json']);
      expect(first.stderr).toMatch(/stream out: silver\.s version \d+, \d+ messages to topic served/);
      expect(JSON.parse(first.stdout)).toMatchObject({ messages: (await ids()).length, failures: 0 });
      expect(inOrder(await sent(topic))).toEqual(await ids());
      // Nothing of a table that no source of this service feeds.
      expect(first.stderr).not.toContain('stream apart');

      await project.run(['stream', 'run', 's', '--for', '4s'], { DATAFLOW_FAULT: 'stream-after-publish:kill@2' });
      await project.ok(['stream', 'run', 's', '--for', '2s', '--no-publish']);
      expect((await sent(topic)).length).toBeLessThan((await ids()).length);
      await project.ok(['stream', 'run', '--for', '2s']);
      expect(inOrder(await sent(topic))).toEqual(await ids());
      expect((await sent(other)).length).toBe(5);
    } finally {
      project.remove();
    }
  }, 120_000);

  it('stream run waits for brokers that are away, and takes on', async () => {
    const project = new SourceProject({ source: { type: 'fake', rate: 40 } });
    const file = join(project.root, 'pipelines.yaml');
    writeFileSync(
      file,
      `${readFileSync(file, 'utf8')}connections:
  events: { type: kafka, brokers: ["127.0.0.1:1"], patience_ms: 100 }
streams:
  out: { from: bronze.s, connection: events, topic: nowhere, key: id }
`,
    );
    try {
      const run = await project.ok(['stream', 'run', '--for', '3s', '--format', 'json']);
      expect(run.stderr).toMatch(/stream out: E_SOURCE_UNREACHABLE/);
      const report = JSON.parse(run.stdout) as { failures: number; rows: number };
      expect(report.failures).toBeGreaterThan(0);
      expect(report.rows).toBeGreaterThan(0);
    } finally {
      project.remove();
    }
  }, 120_000);
});
