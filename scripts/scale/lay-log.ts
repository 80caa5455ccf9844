import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCheckpoint } from '../../src/lake/checkpoint/write-checkpoint.ts';
import { schemaString } from '../../src/lake/delta-schema.ts';
import { LogReader } from '../../src/lake/log-reader.ts';
import { LocalStorage } from '../../src/lake/storage-local.ts';

/** A table that exists in its log alone: no data file is there. */
export interface LaidTable {
  readonly files: number;
  /** The version before the one that changed a single partition. */
  readonly before: number;
  readonly newest: number;
  /** The partition that changed. */
  readonly day: string;
}

export const FOLDER = 'gold/ventes';
const FILES_PER_DAY = 500;
const VERSIONS = 500;
/** Files of the changed partition that were written anew. */
const CHANGED = 20;
/** Versions after the checkpoint. */
const TAIL = 8;

const COLUMNS = [
  ['id_achat', 'bigint'],
  ['id_client', 'bigint'],
  ['jour', 'date'],
  ['montant', 'decimal(12,2)'],
  ['produit', 'varchar'],
  ['pays', 'varchar'],
  ['mis_a_jour', 'timestamptz'],
].map(([name = '', type = '']) => ({ name, type, nullable: true }));

/** Days in a row, as texts. */
function dayOf(index: number): string {
  return new Date(Date.UTC(2015, 0, 1) + index * 86_400_000).toISOString().slice(0, 10);
}

function addOf(index: number, day: string): string {
  const name = randomBytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const rows = 80_000 + (index % 40_000);
  const stats = {
    numRecords: rows,
    minValues: {
      id_achat: index * 120_000,
      id_client: 1 + (index % 97),
      montant: 10.5 + (index % 83),
      produit: 'Casque Audio',
      pays: 'Allemagne',
      mis_a_jour: `${day}T00:00:0${index % 10}.125Z`,
    },
    maxValues: {
      id_achat: index * 120_000 + rows,
      id_client: 1_000_000 - (index % 89),
      montant: 1999.99 - (index % 71),
      produit: 'Écran',
      pays: 'Suisse',
      mis_a_jour: `${day}T23:59:5${index % 10}.875Z`,
    },
    nullCount: { id_achat: 0, id_client: 0, montant: index % 5, produit: 0, pays: index % 7, mis_a_jour: 0 },
  };
  return JSON.stringify({
    add: {
      path: `jour%3D${day}/part-${name}.zst.parquet`,
      partitionValues: { jour: day },
      size: 90_000_000 + ((index * 7919) % 60_000_000),
      modificationTime: 1_760_000_000_000 + index,
      dataChange: true,
      stats: JSON.stringify(stats),
      tags: { 'dataflow.sha256': createHash('sha256').update(name).digest('hex') },
    },
  });
}

/**
 * Writes the log of a table of about 100 MB a file, partitioned by day: its files came in 500 versions, the last but one is a checkpoint
 * away, and the newest rewrote some files of one partition.
 */
export async function layLog(root: string, files: number): Promise<LaidTable> {
  const log = join(root, FOLDER, '_delta_log');
  mkdirSync(log, { recursive: true });
  const write = (version: number, lines: readonly string[]): void => {
    const commit = {
      commitInfo: { timestamp: 1_760_000_000_000 + version, operation: 'WRITE', engineInfo: 'dataflow' },
    };
    writeFileSync(
      join(log, `${String(version).padStart(20, '0')}.json`),
      `${[JSON.stringify(commit), ...lines].join('\n')}\n`,
    );
  };
  const days = Math.ceil(files / FILES_PER_DAY);
  const day = dayOf(days >> 1);
  const changed: string[] = [];
  const per_version = Math.ceil(files / VERSIONS);
  let index = 0;
  for (let version = 0; version < VERSIONS; version++) {
    const lines: string[] = version > 0 ? [] : head();
    for (; index < Math.min(files, (version + 1) * per_version); index++) {
      const line = addOf(index, dayOf(index % days));
      if (changed.length < CHANGED && line.includes(`"jour":"${day}"`)) changed.push(line);
      lines.push(line);
    }
    write(version, lines);
  }
  const storage = new LocalStorage(root);
  const state = await new LogReader(storage, FOLDER).state();
  if (state === undefined) throw new Error('no table was laid');
  await writeCheckpoint(storage, FOLDER, state);
  let newest = VERSIONS - 1;
  for (let i = 0; i < TAIL; i++) write(++newest, [addOf(index++, dayOf(days + i))]);
  const before = newest;
  const renewed = changed.flatMap((line) => {
    const { path, partitionValues, size } = JSON.parse(line).add;
    const remove = {
      path,
      deletionTimestamp: Date.now(),
      dataChange: true,
      extendedFileMetadata: true,
      partitionValues,
      size,
    };
    return [JSON.stringify({ remove }), addOf(index++, day)];
  });
  write(++newest, renewed);
  return { files: files + TAIL, before, newest, day };
}

function head(): string[] {
  const metaData = {
    id: '5d0f5b0e-0000-4000-8000-000000000001',
    format: { provider: 'parquet', options: {} },
    schemaString: schemaString(COLUMNS, []),
    partitionColumns: ['jour'],
    configuration: {},
    createdTime: 1_760_000_000_000,
  };
  return [JSON.stringify({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }), JSON.stringify({ metaData })];
}
