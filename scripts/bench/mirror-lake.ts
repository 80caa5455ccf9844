import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TABLE = 'lake/bronze/files';

/** A project whose lake has one table of so many files. They hold random bytes: whoever copies them does not look inside. */
export function mirrorProject(folder: string, files: number, file_bytes: number, connection: string): void {
  mkdirSync(join(folder, TABLE, '_delta_log'), { recursive: true });
  mkdirSync(join(folder, 'lake/_dataflow/releases'), { recursive: true });
  writeFileSync(
    join(folder, 'pipelines.yaml'),
    `version: 1\nname: bench\nconnections:\n  far: ${connection}\nsources:\n  files: { type: files, path: "in/*.csv", columns: { id: bigint } }\nmirrors:\n  far: { connection: far, path: ours }\n`,
  );
  const first = [
    { commitInfo: { timestamp: 1, operation: 'WRITE' } },
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: '00000000-0000-0000-0000-000000000001',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({
          type: 'struct',
          fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }],
        }),
        ...{ partitionColumns: [], configuration: {}, createdTime: 1 },
      },
    },
    ...Array.from({ length: files }, (_, i) => addedFile(folder, i, file_bytes)),
  ];
  writeEntry(folder, 0, first);
}

/** The next version: some of the files are replaced by others. */
export function replaceFiles(folder: string, version: number, from: number, count: number, file_bytes: number): void {
  const removed = Array.from({ length: count }, (_, i) => ({
    remove: { path: nameOf(i), deletionTimestamp: 1, dataChange: true },
  }));
  const added = Array.from({ length: count }, (_, i) => addedFile(folder, from + i, file_bytes));
  writeEntry(folder, version, [{ commitInfo: { timestamp: 2, operation: 'WRITE' } }, ...removed, ...added]);
}

function nameOf(index: number): string {
  return `part-${String(index).padStart(8, '0')}.parquet`;
}

function addedFile(folder: string, index: number, size: number) {
  const bytes = randomBytes(size);
  writeFileSync(join(folder, TABLE, nameOf(index)), bytes);
  const tags = { 'dataflow.sha256': createHash('sha256').update(bytes).digest('hex') };
  const stats = '{"numRecords":1}';
  return {
    add: { path: nameOf(index), partitionValues: {}, size, modificationTime: 1, dataChange: true, stats, tags },
  };
}

/** The log entry, and the release that names it. */
function writeEntry(folder: string, version: number, actions: readonly unknown[]): void {
  const name = `${String(version).padStart(20, '0')}.json`;
  const lines = actions.map((action) => JSON.stringify(action)).join('\n');
  writeFileSync(join(folder, TABLE, '_delta_log', name), `${lines}\n`);
  const release = {
    format: 1,
    release_id: `release${version}`,
    run_id: `run${version}`,
    created_at: '2026-01-01T00:00:00.000Z',
    tables: { 'bronze.files': version },
  };
  writeFileSync(join(folder, 'lake/_dataflow/releases', name), `${JSON.stringify(release)}\n`);
}
