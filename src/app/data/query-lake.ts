import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey, tableKey } from '../../core/model/table.ts';
import { lakeFolder } from '../../core/planning/lake-place.ts';
import { tablesNamedIn } from '../../core/planning/sql-refs.ts';
import type { Engine, EngineColumn, EngineSession, InputFile, Row } from '../../core/ports/engine.ts';
import type { FarEngine } from '../../core/ports/far-engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { relationOf } from '../../medallion/context.ts';
import { tableAt } from './far-tables.ts';

export interface QueryOptions {
  readonly sql: string;
  /** Table whose failed candidate is bound as `this`. */
  readonly candidate?: string;
  /** Read the tables as they were: at a time, or (one table only) at a version. */
  readonly at?: { readonly as_of_ms: number } | { readonly version: number };
  readonly signal: AbortSignal;
}

/**
 * Runs read-only SQL over the lake's published tables, in a session that can reach nothing else. Each table is read at its
 * newest published version, or as of a time. Yields batches as they are computed. @throws DataflowError E_SQL, E_SQL_SANDBOX, E_LAKE_NO_TABLE.
 */
export async function* queryLake(
  open: {
    readonly project: Project;
    readonly lake: Lake;
    readonly ledger: Ledger | undefined;
    readonly engine: Engine;
  },
  options: QueryOptions,
): AsyncGenerator<{ readonly columns: readonly EngineColumn[]; readonly rows: readonly Row[] }> {
  const session = await open.engine.openSession({
    label: 'query',
    signal: options.signal,
    sandbox: { allowed_folders: [lakeFolder(open.project)] },
  });
  try {
    for (const snapshot of await namedTables(open.lake, options))
      await session.bind(relationOf(snapshot, tableKey(snapshot.table)));
    if (options.candidate !== undefined) await bindCandidate(open, session, options.candidate);
    yield* session.stream(options.sql);
  } finally {
    await session.close();
  }
}

/**
 * Runs one SELECT in the dialect of an engine on other machines, over the tables that it names at their newest published versions, or as of a
 * time. What else the engine lets its user read can be read.
 */
export async function* queryFar(
  { project, lake, engine }: { readonly project: Project; readonly lake: Lake; readonly engine: FarEngine },
  { sql, at }: Pick<QueryOptions, 'sql' | 'at'>,
): AsyncGenerator<{ readonly columns: readonly EngineColumn[]; readonly rows: readonly Row[] }> {
  const tables = await namedTables(lake, { sql, ...(at === undefined ? {} : { at }) });
  yield* engine.query(
    sql,
    tables.map((snapshot) => tableAt(project, snapshot)),
  );
}

/** The tables that the SQL names, at the versions at which it reads them. @throws DataflowError E_LAKE_NO_TABLE, E_USAGE */
export async function namedTables(
  lake: Lake,
  { sql, at }: Pick<QueryOptions, 'sql' | 'at'>,
): Promise<readonly Snapshot[]> {
  const named = tablesNamedIn(sql);
  if (at !== undefined && 'version' in at && named.length !== 1) {
    throw new DataflowError('E_USAGE', 'a version can be asked for only when the SQL names exactly one table', {
      hint: 'Use a time with --as-of instead.',
    });
  }
  const found: Snapshot[] = [];
  for (const key of named) {
    const table = parseTableKey(key);
    const snapshot = table === undefined ? undefined : await lake.snapshot(table, at);
    if (snapshot === undefined) {
      const known = (await lake.tables()).map(tableKey).sort();
      throw new DataflowError('E_LAKE_NO_TABLE', `the lake has no table ${key}`, {
        hint: known.length === 0 ? 'The lake is empty: run `dataflow run` first.' : `It has ${known.join(', ')}.`,
      });
    }
    found.push(snapshot);
  }
  return found;
}

/** The newest failed candidate of a table, as it was when its tests ran. */
async function bindCandidate(
  open: { readonly lake: Lake; readonly ledger: Ledger | undefined },
  session: EngineSession,
  key: string,
): Promise<void> {
  const step = open.ledger?.latestSteps().find((one) => one.step === key);
  const uris = step?.status === 'failed' ? await open.lake.candidates(step.run_id, step.step_id) : [];
  if (uris.length === 0) {
    throw new DataflowError('E_LAKE_NO_TABLE', `there is no failed candidate of ${key}`, {
      hint: 'Candidates are kept only while the newest attempt of a table has failed.',
    });
  }
  const files: InputFile[] = uris.map((uri) => ({ uri, rows: 0, size_bytes: 0, partition_values: {} }));
  const columns = await session.infer({
    format: 'parquet',
    files: uris.map((uri) => ({ id: uri, uri, compression: 'none' as const })),
  });
  await session.bind({ name: 'this', columns, files });
}
