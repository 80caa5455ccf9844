import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { MemoryLanding } from '../../../test/support/memory-landing.ts';
import { encodedBatch } from '../../../test/support/record-batches.ts';
import type { PullContext } from '../../core/ports/pulled-source.ts';
import type { KafkaClient } from './client.ts';
import { type KafkaOptions, schema } from './options.ts';
import { pullTopic } from './pull.ts';
import { jsonValues } from './values.ts';

const ENDS = new Map([
  [0, 3],
  [1, 1],
]);

/** A broker that gets partition 0 from a slow store: so many answers bring nothing of it, without an error. No real one can be made to do so. */
async function slowBroker(empty_answers: number): Promise<KafkaClient> {
  const messages = (count: number) =>
    encodedBatch(Array.from({ length: count }, (_, offset) => ({ offset, value: `{"n":${offset}}` })));
  const full = [await messages(3), await messages(1)];
  let left = empty_answers;
  const refused = () => Promise.reject(new Error('not asked for'));
  return {
    topic: async () => ({ id: 'a', leaders: new Map([...ENDS.keys()].map((partition) => [partition, 1])) }),
    offsets: async (_topic, partitions, which) =>
      new Map(partitions.map((partition) => [partition, which === 'start' ? 0 : (ENDS.get(partition) ?? 0)])),
    fetch: async ({ offsets }) => ({
      partitions: [...offsets].map(([partition, from]) => {
        const end = ENDS.get(partition) ?? 0;
        const withheld = partition === 0 && left-- > 0;
        const batches = withheld || from >= end ? Buffer.alloc(0) : (full[partition] ?? Buffer.alloc(0));
        return { partition, error_code: 0, stable_end: end, log_start: 0, aborted: [], batches };
      }),
    }),
    refresh: refused,
    commitGroup: refused,
    hasTopic: refused,
    ensureTopic: refused,
    producer: refused,
    close: async () => undefined,
  };
}

async function pulled(client: KafkaClient, given: Partial<KafkaOptions>, patience_ms: number) {
  const landing = new MemoryLanding();
  const notes: string[] = [];
  const context: PullContext = {
    name: 's',
    root: '/nowhere',
    now_ms: 0,
    signal: new AbortController().signal,
    temp_folder: '/nowhere',
    position: undefined,
    expected: new Map(),
    limits: { records_max: 100, bytes_max: 1e9, wait_ms: 0 },
    from_raw: false,
    note: (text) => notes.push(text),
  };
  const options = z.parse(schema as z.ZodMiniType<KafkaOptions>, { topic: 't', ...given });
  const retry = { patience_ms, place: 'broker', topic: 't' };
  const result = await pullTopic({ client, options, reader: jsonValues(), retry }, landing, context);
  return { rows: landing.rows(), spans: landing.units.flatMap((unit) => unit.spans ?? []), notes, result };
}

describe('a broker that answers without what it has', () => {
  it('is asked again until it gives it, and holds no other partition up', async () => {
    const { rows, spans, result } = await pulled(await slowBroker(12), {}, 60_000);
    expect(rows.map((row) => [row['_partition'], row['n']])).toEqual([
      [1, 0],
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(spans.map(({ stream, next, holes }) => [stream, next, holes])).toEqual([
      ['t/1', 1, 0],
      ['t/0', 3, 0],
    ]);
    expect(result.caught_up).toBe(true);
  });

  it('stops the pull when it does so for too long: nothing is taken for a hole', async () => {
    await expect(pulled(await slowBroker(Number.POSITIVE_INFINITY), {}, 300)).rejects.toMatchObject({
      code: 'E_SOURCE_UNREACHABLE',
      message: 't/0 offsets 0..2: the broker gave nothing of them for 0 s',
    });
  });

  it('is gone on behind by decision, and the hole has its reason', async () => {
    const { rows, spans, notes } = await pulled(
      await slowBroker(Number.POSITIVE_INFINITY),
      { on_lost_offsets: 'skip' },
      1000,
    );
    const reason = 'offsets 0..2 skipped: the broker gave nothing of them for 1 s';
    expect(rows.length).toBe(1);
    expect(spans.find(({ stream }) => stream === 't/0')).toEqual({
      stream: 't/0',
      from: 0,
      next: 3,
      records: 0,
      holes: 3,
      reason,
    });
    expect(notes.at(-1)).toBe(`t/0 ${reason}`);
  });
});
