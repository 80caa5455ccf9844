import { describe, expect, it } from 'vitest';
import { destinationsOf } from './destination.ts';
import type { StreamPosition, StreamSpec } from './stream.ts';

const stream = (from: string, topic: string): StreamSpec => ({
  from,
  topic,
  connection: 'k',
  format: 'json',
  deletions: 'tombstone',
  compression: 'none',
  batch_rows: 1,
});

describe('destinations of tables', () => {
  it('are the streams that one of them feeds, with the version that is out', () => {
    const streams = { a: stream('gold.g', 't'), b: stream('silver.s', 'u'), c: stream('gold.g', 'v') };
    const out = new Map([
      ['a', 4],
      ['c', -1],
    ]);
    const positionOf = (name: string) => ({ version: out.get(name) ?? -1 }) as StreamPosition;
    expect(destinationsOf(streams, positionOf, new Set(['gold.g', 'gold.h']))).toEqual([
      { name: 'a', kind: 'stream', topic: 't', table: 'gold.g', version: 4 },
      { name: 'c', kind: 'stream', topic: 'v', table: 'gold.g', version: null },
    ]);
    expect(destinationsOf(streams, () => undefined, new Set(['bronze.b']))).toEqual([]);
  });
});
