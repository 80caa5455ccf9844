import { describe, expect, it } from 'vitest';
import { destinationsOf } from './destination.ts';
import type { LoadRecord, LoadSpec } from './load.ts';
import type { MirrorSpec, MirrorStanding } from './mirror.ts';
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
    const known = {
      streams: { position: (name: string) => ({ version: out.get(name) ?? -1 }) as StreamPosition },
      loads: { records: () => [] },
      mirrors: { standings: () => [] },
    };
    expect(destinationsOf({ streams }, known, new Set(['gold.g', 'gold.h']))).toEqual([
      { name: 'a', kind: 'stream', topic: 't', table: 'gold.g', version: 4 },
      { name: 'c', kind: 'stream', topic: 'v', table: 'gold.g', version: null },
    ]);
    expect(destinationsOf({ streams }, known, new Set(['bronze.b']))).toEqual([]);
  });

  it('are the loads that take one of them, with the version that was loaded', () => {
    const load: LoadSpec = {
      ...{ connection: 'erp', tables: ['gold.*'], mode: 'upsert', transaction: 'release', views: {} },
      overrides: { 'gold.g': { as: 'ventes', indexes: [] } },
    };
    const known = {
      streams: { position: () => undefined },
      loads: { records: () => [{ load: 'dwh', table: 'gold.g', version: 7 } as LoadRecord] },
      mirrors: { standings: () => [] },
    };
    expect(destinationsOf({ loads: { dwh: load } }, known, new Set(['gold.g', 'gold.h', 'silver.s']))).toEqual([
      { name: 'dwh', kind: 'load', connection: 'erp', as: 'ventes', table: 'gold.g', version: 7 },
      { name: 'dwh', kind: 'load', connection: 'erp', as: 'h', table: 'gold.h', version: null },
    ]);
  });

  it('are the mirrors that copy one of them, with the version that is there', () => {
    const mirrors = { far: { connection: 'c', tables: ['*'] } as unknown as MirrorSpec };
    const known = {
      streams: { position: () => undefined },
      loads: { records: () => [] },
      mirrors: { standings: () => [{ mirror: 'far', tables: { 'gold.g': 3 } } as unknown as MirrorStanding] },
    };
    expect(destinationsOf({ mirrors }, known, new Set(['gold.g', 'gold.h']))).toEqual([
      { name: 'far', kind: 'mirror', connection: 'c', table: 'gold.g', version: 3 },
      { name: 'far', kind: 'mirror', connection: 'c', table: 'gold.h', version: null },
    ]);
  });
});
