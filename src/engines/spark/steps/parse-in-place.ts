import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { SOURCE_FILE_COLUMN } from '../../../core/model/table.ts';
import {
  type CandidateFile,
  type EngineColumn,
  type EngineSession,
  type ParseFile,
  type ParseRequest,
  type ParseResult,
  REJECT_COLUMNS,
} from '../../../core/ports/engine.ts';
import { parquetRelation, viewPlan } from '../plans.ts';
import { inPlaceSql, knownColumns, ROWS } from './in-place-sql.ts';
import { readingProblem } from './reading-problems.ts';
import { GROUPS_MAX, schemaText, united } from './relations.ts';
import { readItems, type SourceColumn, sourceColumns } from './source-columns.ts';
import { digestsOf, type Writer } from './write-files.ts';

/** What parsing needs of the step's session. */
export interface Parser extends Writer {
  readonly shadow: EngineSession;
  /** Makes columns of a relation known, whose rows Spark has under the view of that name. */
  know(name: string, columns: readonly EngineColumn[]): Promise<void>;
  write(sql: string, target: ParseRequest['target']): Promise<readonly CandidateFile[]>;
}

/**
 * Parquet that the executors read where it is, with the columns, checks, rejects and counts of the reader of this machine. Files come one behind the other in the
 * order of the request, each as a reading of its own, so rows keep their order.
 */
export async function parseInPlace(parser: Parser, request: ParseRequest): Promise<ParseResult> {
  const results: ParseResult[] = [];
  for (const alike of await likeFiles(parser, request))
    for (let at = 0; at < alike.files.length; at += GROUPS_MAX)
      results.push(await parsePart(parser, request, { ...alike, files: alike.files.slice(at, at + GROUPS_MAX) }));
  return {
    candidates: results.flatMap((one) => one.candidates),
    rejects: results.flatMap((one) => one.rejects),
    per_file: new Map(results.flatMap((one) => [...one.per_file])),
  };
}

/** Files whose columns have the same types, in their order. */
interface Alike {
  readonly files: readonly ParseFile[];
  readonly types: readonly EngineColumn[];
}

async function likeFiles({ shadow }: Parser, { files, limits }: ParseRequest): Promise<readonly Alike[]> {
  const parts: { files: ParseFile[]; types: readonly EngineColumn[]; key: string }[] = [];
  for (const file of files) {
    // The footer is all that this takes.
    const types = await shadow.infer({ format: 'parquet', files: [file], ...(limits === undefined ? {} : { limits }) });
    const key = JSON.stringify(types);
    const last = parts.at(-1);
    if (last?.key === key) last.files.push(file);
    else parts.push({ files: [file], types, key });
  }
  return parts;
}

async function parsePart(parser: Parser, request: ParseRequest, { files, types }: Alike): Promise<ParseResult> {
  const wanted = sourceColumns(parser.spark.version, request, types);
  const { good, rejected: bad } = inPlaceSql(request, wanted);
  try {
    await bindFiles(parser, files, wanted);
    const candidates = await parser.write(good, request.target);
    const rejected = files.reduce((sum, { records = 0 }) => sum + records, 0) - rowsOf(candidates);
    refuseTooMany(rejected, request);
    const rejects = rejected <= 0 ? [] : await parser.write(bad, rejectTarget(request));
    return { candidates, rejects, per_file: await countPerFile(parser, files, candidates, rejects) };
  } catch (error) {
    throw await blamed(parser, files, error);
  }
}

function rejectTarget({ reject_folder }: ParseRequest): ParseRequest['target'] {
  return { folder: reject_folder, columns: REJECT_COLUMNS };
}

async function bindFiles(parser: Parser, files: readonly ParseFile[], wanted: readonly SourceColumn[]): Promise<void> {
  await parser.know(ROWS, knownColumns(wanted));
  const schema = schemaText(wanted.map((one) => ({ ...one, nullable: true })));
  const read = files.map(({ id, address = '' }) =>
    parquetRelation([address], schema, readItems(wanted, id), { 'parquet.page.verify-checksum.enabled': 'true' }),
  );
  await parser.spark.carryOut(viewPlan(parser.view(ROWS), united(read)));
}

function rowsOf(files: readonly CandidateFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

function refuseTooMany(rejected: number, { rejects_max }: ParseRequest): void {
  if (rejects_max === undefined || rejected <= rejects_max) return;
  throw new DataflowError('E_REJECTS_LIMIT', `more than ${rejects_max} records were rejected`, {
    kept: 'nothing of these files was taken',
  });
}

async function countPerFile(
  parser: Parser,
  files: readonly ParseFile[],
  candidates: readonly CandidateFile[],
  rejects: readonly CandidateFile[],
): Promise<ParseResult['per_file']> {
  const [only] = files;
  if (only !== undefined && files.length === 1)
    return new Map([[only.id, { rows: rowsOf(candidates), rejected: rowsOf(rejects) }]]);
  const good = await countsBy(parser, candidates, SOURCE_FILE_COLUMN);
  const bad = await countsBy(parser, rejects, 'file');
  return new Map(files.map(({ id }) => [id, { rows: good.get(id) ?? 0, rejected: bad.get(id) ?? 0 }]));
}

async function countsBy(
  { spark, view: viewOf, addressOf }: Parser,
  files: readonly CandidateFile[],
  column: string,
): Promise<ReadonlyMap<string, number>> {
  if (files.length === 0) return new Map();
  const view = viewOf('~per_file');
  const paths = files.map(({ uri }) => addressOf(uri));
  const schema = schemaText([{ name: column, type: 'varchar', nullable: true }]);
  await spark.carryOut(viewPlan(view, parquetRelation(paths, schema, [`\`${column}\` AS f`])));
  const rows = await spark.rows(`SELECT f, COUNT(*) AS n FROM ${view} GROUP BY f`, { rows_max: 1_000_000 });
  return new Map(rows.map((row) => [String(row['f']), Number(row['n'])]));
}

/**
 * What failed as the fault of a file, where it is one: Spark could not make rows of it, and its bytes can be read. What only the cluster is to blame for (a node
 * that is away, rights) stays what it is.
 */
async function blamed(parser: Parser, files: readonly ParseFile[], error: unknown): Promise<unknown> {
  const problem = error instanceof DataflowError ? readingProblem(error) : undefined;
  if (!(error instanceof DataflowError) || problem === undefined) return error;
  if (problem.code === 'E_ENGINE_DIALECT') return new DataflowError(problem.code, problem.words, problem);
  const addresses = files.flatMap(({ address }) => address ?? []);
  const known = await digestsOf(parser, addresses).catch(() => undefined);
  if (known?.size !== addresses.length) return error;
  return new DataflowError(problem.code, problem.words, { ...problem, cause: error });
}
