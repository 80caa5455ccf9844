import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lakeFixture } from '../../../test/support/lake-fixture.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { AddAction } from '../delta-actions.ts';
import { LiveFiles } from '../live-files.ts';
import { encodeCheckpoint } from './codec.ts';
import { decodeCheckpoint } from './reader.ts';

/** A damaged checkpoint is refused or read otherwise, but never takes long: what its numbers claim is bounded by its size. */
const root = mkdtempSync(join(tmpdir(), 'dataflow-checkpoint-'));
const fixture = await lakeFixture();
afterAll(async () => {
  await fixture.remove();
  rmSync(root, { recursive: true, force: true });
});

/** Some of the actions are as many as needed for dictionaries and long runs. */
const ACTIONS = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: {
      id: 'a1',
      format: { provider: 'parquet', options: {} },
      schemaString: '{"type":"struct","fields":[]}',
      partitionColumns: ['day'],
      configuration: {},
      createdTime: 1,
    },
  },
  ...Array.from({ length: 30 }, (_, n) => ({ txn: { appId: `source:a:sha256:${n}`, version: n } })),
];
const FILES = Array.from(
  { length: 60 },
  (_, n): AddAction => ({
    path: `part-${n}.zst.parquet`,
    partitionValues: { day: String(n % 3) },
    size: 1000 + n,
    modificationTime: 1_700_000_000_000,
    dataChange: true,
    stats: `{"numRecords":${n}}`,
    tags: { sha256: String(n).repeat(20) },
  }),
);
const ALL = ACTIONS.length + FILES.length;

/** Copies of our checkpoint as other writers lay it out. */
const WRITERS = ['', 'compression snappy', 'compression zstd, parquet_version v2', 'compression uncompressed'] as const;
const ONE_DECODE_MS_MAX = 2000;
const BYTES_DAMAGED = 1000;

async function checkpointOf(writer: (typeof WRITERS)[number]): Promise<Uint8Array> {
  const ours = await encodeCheckpoint({ actions: ACTIONS, files: FILES, rows: undefined });
  if (writer === '') return ours;
  const [from, to] = [join(root, 'ours.parquet'), join(root, 'theirs.parquet')];
  writeFileSync(from, ours);
  await fixture.query(`copy (from '${from}') to '${to}' (format parquet, ${writer})`);
  return readFileSync(to);
}

/** How the decoding ended, and how long it took. */
async function decoded(bytes: Uint8Array): Promise<{ readonly ended: string; readonly wall_ms: number }> {
  const started = performance.now();
  const ended = await actionsIn(bytes).then(
    (actions) => `${actions} actions`,
    (error: unknown) => (error instanceof DataflowError ? error.code : `a defect: ${String(error)}`),
  );
  return { ended, wall_ms: performance.now() - started };
}

/** How many there are when each file was looked at. */
async function actionsIn(bytes: Uint8Array): Promise<number> {
  const read = async (from: number, to: number) => bytes.subarray(from, to);
  const part = { name: 'damaged', size_bytes: bytes.length, read };
  const { protocol, metaData, txns, removes, files } = await decodeCheckpoint([part], (path) => path);
  const alone = [protocol, metaData].filter((one) => one !== undefined).length;
  const seen = Array.from(new LiveFiles(files).values(), ({ action }) => ({ ...action }));
  return alone + txns.length + removes.length + seen.length;
}

describe.each(WRITERS)('a checkpoint (%s)', (writer) => {
  it('is decoded or refused in a bounded time, whichever of its bytes is another', { timeout: 120_000 }, async () => {
    const sound = await checkpointOf(writer);
    expect((await decoded(sound)).ended).toBe(`${ALL} actions`);
    const defects: string[] = [];
    const masks = [0x55, 0x80, 0x7f];
    const step = Math.max(5, Math.ceil(sound.length / BYTES_DAMAGED));
    for (let at = 0; at < sound.length; at += step + Number(step % masks.length === 0)) {
      const bytes = Uint8Array.from(sound);
      const mask = masks[at % masks.length] ?? 0;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      const { ended, wall_ms } = await decoded(bytes);
      if (!/^(\d+ actions|E_LAKE_CORRUPT)$/.test(ended) || wall_ms > ONE_DECODE_MS_MAX)
        defects.push(`byte ${at} ^ ${mask}: ${ended} after ${Math.round(wall_ms)} ms`);
    }
    expect(defects).toEqual([]);
  });
});
