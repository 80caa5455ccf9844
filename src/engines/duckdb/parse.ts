import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import {
  type CandidateFile,
  type ParseFile,
  type ParseRequest,
  type ParseResult,
  REJECT_COLUMNS,
} from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { bundleSplit } from './parse-bundle.ts';
import { csvSplit } from './parse-csv.ts';
import { jsonSplit } from './parse-json.ts';
import { parquetSplit } from './parse-parquet.ts';
import type { ParseSession, Split } from './parse-parts.ts';
import { plainRows } from './plain-json.ts';
import { removeFiles } from './write.ts';

/**
 * Parses input files into candidate files of good rows and of rejects. The good rows are written in one pass; counts per file come from
 * what was written. Nothing is left behind after an error.
 * @throws DataflowError E_REJECTS_LIMIT; E_SOURCE_IO when a file cannot be read at all; E_ENGINE….
 */
export async function parseFiles(session: ParseSession, request: ParseRequest): Promise<ParseResult> {
  const split = await splitFor(session, request);
  const written: CandidateFile[] = [];
  try {
    const names = request.columns.map((column) => quoteIdent(column.name));
    const columns = [...names, quoteIdent(SOURCE_FILE_COLUMN)].join(', ');
    const write = (rows: string): Promise<readonly CandidateFile[]> =>
      session.write(`select ${columns} from (${rows})`, request.target);
    const candidates = (await quickly(split, write)) ?? (await write(split.good));
    written.push(...candidates);
    const rejected = await split.rejected(rowsOf(candidates));
    refuseTooMany(rejected, request);
    const target = { folder: request.reject_folder, columns: REJECT_COLUMNS };
    const rejects = rejected === 0 ? [] : await session.write(await split.rejects(), target);
    written.push(...rejects);
    return { candidates, rejects, per_file: await countPerFile(session, request.files, candidates, rejects) };
  } catch (error) {
    await removeFiles(written);
    throw error;
  } finally {
    await split.cleanup();
  }
}

/** What one record brings to an end is left to the usual way, which rejects it by itself. */
const OF_A_RECORD: ReadonlySet<string> = new Set(['E_SOURCE_IO', 'E_SQL', 'E_ENGINE']);

async function quickly(
  { quick }: Split,
  write: (rows: string) => Promise<readonly CandidateFile[]>,
): Promise<readonly CandidateFile[] | undefined> {
  if (quick === undefined) return undefined;
  try {
    return await write(quick);
  } catch (error) {
    if (error instanceof DataflowError && OF_A_RECORD.has(error.code)) return undefined;
    throw error;
  }
}

async function splitFor(session: ParseSession, request: ParseRequest): Promise<Split> {
  if (request.format === 'csv') return (await bundleSplit(session, request)) ?? csvSplit(session, request);
  if (request.format === 'parquet') return await parquetSplit(session, request);
  return { ...jsonSplit(session, request), ...plainRows(request) };
}

function rowsOf(files: readonly CandidateFile[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}

function refuseTooMany(rejected: number, { rejects_max }: ParseRequest): void {
  if (rejects_max === undefined || rejected <= rejects_max) return;
  throw new DataflowError('E_REJECTS_LIMIT', `more than ${rejects_max} records were rejected`, {
    kept: 'nothing of these files was taken',
  });
}

async function countPerFile(
  session: ParseSession,
  files: readonly ParseFile[],
  candidates: readonly CandidateFile[],
  rejects: readonly CandidateFile[],
): Promise<ParseResult['per_file']> {
  const [only] = files;
  if (only !== undefined && files.length === 1) {
    return new Map([[only.id, { rows: rowsOf(candidates), rejected: rowsOf(rejects) }]]);
  }
  const good = await countsBy(session, candidates, SOURCE_FILE_COLUMN);
  const bad = await countsBy(session, rejects, 'file');
  return new Map(files.map(({ id }) => [id, { rows: good.get(id) ?? 0, rejected: bad.get(id) ?? 0 }]));
}

async function countsBy(
  session: ParseSession,
  files: readonly CandidateFile[],
  column: string,
): Promise<ReadonlyMap<string, number>> {
  if (files.length === 0) return new Map();
  const list = files.map((file) => quoteText(file.uri)).join(', ');
  const rows = await session.all(
    `select ${quoteIdent(column)} as f, count(*) as n from read_parquet([${list}], hive_partitioning=false) group by 1`,
  );
  return new Map(rows.map((row) => [String(row['f']), Number(row['n'])]));
}
