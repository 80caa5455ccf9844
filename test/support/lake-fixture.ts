import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Column } from '../../src/core/model/table.ts';
import type { CandidateFile } from '../../src/core/ports/engine.ts';
import type { CommitRequest, DataFile, Lake } from '../../src/core/ports/lake.ts';
import { openLake } from '../../src/lake/open-lake.ts';

/** Lakes in temporary folders and candidates made by DuckDB, for tests of the lake. */
export const LAYERS = { bronze: 'raw', silver: 'clean', gold: 'curated' };
export const TABLE = { layer: 'silver', name: 't' } as const;
export const COLUMNS: readonly Column[] = [{ name: 'i', type: 'bigint', nullable: true }];

export interface LakeFixture {
  readonly root: string;
  /** A new lake in a folder of its own. */
  newLake(): Promise<{ readonly lake: Lake; readonly url: string; readonly folder: string }>;
  /** A staged file with the rows of a query. */
  candidate(
    lake: Lake,
    sql: string,
    partition_values?: Readonly<Record<string, string | null>>,
    step_id?: string,
  ): Promise<CandidateFile>;
  /** The result of a query; `{files}` stands for the list of data files. */
  query(sql: string, files?: readonly DataFile[]): Promise<unknown>;
  remove(): void;
}

export async function lakeFixture(): Promise<LakeFixture> {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-'));
  const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  let made = 0;
  return {
    root,
    newLake: async () => {
      const url = join(root, `lake${++made}`);
      return { lake: await openLake({ url, layers: LAYERS }), url, folder: join(url, 'clean/t') };
    },
    candidate: async (lake, sql, partition_values = {}, step_id = 'step') => {
      const uri = join(await lake.stage('run', step_id, `data${++made}`), 'x.parquet');
      await db.run(`copy (${sql}) to '${uri}' (format parquet, compression zstd)`);
      const reader = await db.runAndReadAll(`select count(*)::integer from read_parquet('${uri}')`);
      const rows = Number(reader.getRowsJson()[0]?.[0]);
      return {
        uri,
        rows,
        size_bytes: statSync(uri).size,
        partition_values,
        stats: { num_records: rows, min_values: {}, max_values: {}, null_count: {} },
      };
    },
    query: async (sql, files = []) => {
      const list = `[${files.map((file) => `'${file.uri.replaceAll("'", "''")}'`).join(', ')}]`;
      return (await db.runAndReadAll(sql.replace('{files}', list))).getRowsJson();
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function request(
  add: readonly CandidateFile[],
  read_version: number | undefined,
  more: Partial<CommitRequest> = {},
): CommitRequest {
  return {
    table: TABLE,
    read_version,
    mode: 'append',
    add,
    remove: [],
    columns: COLUMNS,
    partition_by: [],
    txns: [],
    note: { run_id: 'run', step_id: 'step', step: 'silver.t' },
    fence: () => undefined,
    ...more,
  };
}
