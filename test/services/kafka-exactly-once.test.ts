import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SourceProject } from '../../src/connectors/testing/source-project.ts';
import { kafkaSoak } from '../soak/kafka-soak.ts';
import { PYTHON } from '../soak/lake-reader.ts';
import { Broker, numbered } from './kafka-support.ts';
import { describeService } from './service.ts';

/** A slice; `npm run soak:kafka` kills more often. */
const KILLS = 6;

describeService('kafka', ({ url }) => {
  it('case 36: killed anywhere between poll and commit, while group members come and go: each offset is in the lake once, as delta-rs reads it', async ({
    skip,
  }) => {
    skip(PYTHON === undefined, 'DATAFLOW_PYTHON names no Python with deltalake');
    const seed = Number(process.env['DATAFLOW_SEED'] ?? Date.now() % 1_000_000);
    const result = await kafkaSoak({ broker: url, kills: KILLS, seed, say: () => undefined });
    expect(result, `seed ${seed}`).toMatchObject({ twice: [], missing: [], unwanted: [], verified: true });
    expect(result.kills).toBeGreaterThanOrEqual(KILLS);
    expect(result.rebalances).toBeGreaterThan(0);
  }, 300_000);

  it('case 38: a topic that was made again, and offsets that are gone, on the built program: stop, go on by decision, verify', async () => {
    const broker = new Broker(url);
    const topic = await broker.topic('gone', 2);
    const send = async (count: number): Promise<void> => {
      const fresh = new Broker(url);
      await fresh.send(topic, [...numbered(count), ...numbered(count, 1)]);
      await fresh.close();
    };
    await send(50);
    const columns = { _partition: 'integer', _offset: 'bigint', n: 'bigint' };
    const parts = (more: object) => ({
      source: { type: 'kafka', connection: 'events', topic, columns, ...more },
      connections: { events: { type: 'kafka', brokers: [url] } },
    });
    const project = new SourceProject(parts({}));
    const rows = async (): Promise<number> =>
      Number((await project.query('select count(*) as n from bronze.s'))[0]?.['n']);
    try {
      await project.ok(['run']);
      await (await broker.admin()).deleteTopics({ topics: [topic] });
      await broker.make(topic, 2);
      await send(15);
      const made_again = await project.run(['run']);
      expect([made_again.status, made_again.stderr]).toEqual([
        1,
        expect.stringContaining('was deleted and made again'),
      ]);
      expect(await rows()).toBe(100);
      await project.ok(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
      expect(await rows()).toBe(30);
      await send(15);
      await broker.dropBefore(topic, 0, 20);
      const gone = await project.run(['run']);
      expect([gone.status, gone.stderr]).toEqual([1, expect.stringContaining(`${topic}/0 offsets 15..19 are gone`)]);
      writeFileSync(
        join(project.root, 'pipelines.yaml'),
        stringify({ name: 'contract', ...yaml(parts({ on_lost_offsets: 'skip' })) }),
      );
      await project.ok(['run']);
      expect(await rows()).toBe(55);
      expect(project.holds('offsets 15..19 skipped: the topic held them no longer')).not.toEqual([]);
      await project.ok(['ledger', 'rebuild']);
      await send(1);
      await project.ok(['run']);
      expect(await rows()).toBe(57);
      await project.ok(['verify']);
    } finally {
      project.remove();
      await broker.close();
    }
  }, 180_000);

  it.each(['after-pull', 'after-stage', 'before-log-create'])(
    'case 37: a writer that was replaced while it stood still (%s) comes too late: it is refused, nothing is there twice',
    async (point) => {
      const broker = new Broker(url);
      const topic = await broker.topic('zombie', 2);
      for (const partition of [0, 1]) await broker.send(topic, numbered(500, partition, partition * 500));
      const project = new SourceProject({
        source: { type: 'kafka', connection: 'events', topic },
        connections: { events: { type: 'kafka', brokers: [url] } },
      });
      try {
        const zombie = project.start(['ingest'], { DATAFLOW_FAULT: `${point}:stop` });
        await new Promise<void>((done) => {
          zombie.child.stderr?.on('data', (text: Buffer) => text.includes(point) && done());
        });
        expect((await project.run(['ingest'])).status).toBe(6);
        const ledger = new DatabaseSync(join(project.root, 'lake/_dataflow/ledger.db'));
        ledger.exec("update locks set pid = 4194304, process_start = 'gone' where held = 1");
        ledger.close();
        await project.ok(['ingest']);
        zombie.child.kill('SIGCONT');
        const late = await zombie.ended;
        expect(late.status, late.stderr).toBe(5);
        await broker.send(topic, numbered(1, 0, 5000));
        await project.ok(['ingest']);
        const sql =
          'select count(*) as n, count(distinct (_partition, _offset)) as places, max(n) as newest from bronze.s';
        const [row] = await project.query(sql);
        expect(Object.values(row ?? {}).map(Number)).toEqual([1001, 1001, 5000]);
        await project.ok(['verify']);
      } finally {
        project.remove();
        await broker.close();
      }
    },
    120_000,
  );
});

/** The configuration of a project with one source, as the project writes it. */
function yaml({ source, connections }: { readonly source: object; readonly connections: object }) {
  return { connections, sources: { s: source } };
}
