import { type Column, quarantineOf, type TableId, tableKey } from '../core/model/table.ts';
import type { CandidateFile, EngineSession } from '../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../core/ports/lake.ts';
import { quoteText } from '../kit/sql.ts';
import { nowIso, type RunContext, relationOf, type StepContext } from './context.ts';

/**
 * Columns of every quarantine table. One row is one rejected record (or one rejected file, `rule` then names what is
 * wrong with the file and `raw` is NULL). `quarantine_id` is a hash of where the record comes from, so that the same record
 * rejected again is the same entry. `layout` is JSON that says how to read a rejected record (format, dialect, header) when its file is gone.
 */
export const QUARANTINE_COLUMNS: readonly Column[] = [
  { name: 'quarantine_id', type: 'varchar', nullable: false },
  { name: 'rule', type: 'varchar', nullable: false },
  { name: 'reason', type: 'varchar', nullable: false },
  { name: 'column_name', type: 'varchar', nullable: true },
  { name: 'file', type: 'varchar', nullable: true },
  { name: 'line', type: 'bigint', nullable: true },
  { name: 'byte_offset', type: 'bigint', nullable: true },
  { name: 'raw', type: 'varchar', nullable: true },
  { name: 'row_key', type: 'varchar', nullable: true },
  { name: 'origin', type: 'varchar', nullable: false },
  { name: 'retryable', type: 'boolean', nullable: false },
  { name: 'run_id', type: 'varchar', nullable: false },
  { name: 'quarantined_at', type: 'timestamptz', nullable: false },
  { name: 'layout', type: 'varchar', nullable: true },
];

/** The SQL expressions of one source of rejected rows, in terms of the relation that `from` names. */
export interface QuarantineSelect {
  readonly from: string;
  /** Text that identifies the record: file and position. */
  readonly identity: string;
  /** The id of a record that was in quarantine before; NULL for others. */
  readonly known_id?: string;
  readonly rule: string;
  readonly reason: string;
  readonly column_name?: string;
  readonly file?: string;
  readonly line?: string;
  readonly byte_offset?: string;
  readonly raw?: string;
  readonly row_key?: string;
  /** SQL text: the table (or source) that the record was read from. */
  readonly origin: string;
  readonly retryable?: string;
  readonly layout?: string;
}

/** The query that turns rejected rows into quarantine rows. */
export function quarantineSql(run: RunContext, table: TableId, part: QuarantineSelect): string {
  const text = (sql: string | undefined): string => `cast(${sql ?? 'null'} as varchar)`;
  return `select coalesce(${part.known_id ?? 'null'}, ${quarantineIdSql(table, part.identity)}) as quarantine_id,
    cast(${part.rule} as varchar) as rule, cast(${part.reason} as varchar) as reason, ${text(part.column_name)} as column_name,
    ${text(part.file)} as file, cast(${part.line ?? 'null'} as bigint) as line, cast(${part.byte_offset ?? 'null'} as bigint) as byte_offset,
    ${text(part.raw)} as raw, ${text(part.row_key)} as row_key, ${text(part.origin)} as origin,
    coalesce(${part.retryable ?? 'false'}, false) as retryable, ${quoteText(run.run_id)} as run_id,
    cast(${quoteText(nowIso(run))} as timestamptz) as quarantined_at, ${text(part.layout)} as layout
    from ${part.from}`;
}

/** SQL text: the id of a rejected record. */
export function quarantineIdSql(table: TableId, identity: string): string {
  return `md5(${quoteText(`${tableKey(table)}|`)} || ${identity})`;
}

export interface QuarantineChange {
  readonly table: TableId;
  readonly snapshot: Snapshot | undefined;
  readonly add: readonly CandidateFile[];
  readonly remove: readonly DataFile[];
}

/**
 * Prepares the next version of a table's quarantine: `sql` are the new rows; old rows are dropped when `drop` says so
 * (`all`, or an SQL condition over quarantine columns).
 */
export async function stageQuarantine(
  step: StepContext,
  session: EngineSession,
  sql: string | undefined,
  drop: 'none' | 'all' | string,
): Promise<QuarantineChange> {
  const { run, node } = step;
  const table = quarantineOf({ layer: node.layer, name: node.name });
  const snapshot = await run.lake.snapshot(table);
  const folder = await run.lake.stage(run.run_id, step.step_id, 'quarantine');
  const parts: string[] = sql === undefined ? [] : [sql];
  let remove: readonly DataFile[] = [];
  if (snapshot !== undefined && snapshot.files.length > 0 && drop !== 'none') {
    remove = snapshot.files;
    if (drop !== 'all') {
      await session.bind({ ...relationOf(snapshot, 'old_quarantine'), columns: QUARANTINE_COLUMNS });
      parts.push(`select ${columnList()} from old_quarantine where not coalesce((${drop}), false)`);
    }
  }
  const add =
    parts.length === 0 ? [] : await session.write(parts.join(' union all '), { folder, columns: QUARANTINE_COLUMNS });
  return { table, snapshot, add, remove };
}

function columnList(): string {
  return QUARANTINE_COLUMNS.map((column) => column.name).join(', ');
}

/**
 * The units of work of a quarantine commit: a sequence number of its own (so that a repeated attempt is never taken for
 * done) and the table version that it belongs to.
 */
export function quarantineTxns(step: string, snapshot: Snapshot | undefined, table_version: number): readonly Txn[] {
  const sequence = (snapshot?.txns.get(`quarantine:${step}`) ?? 0) + 1;
  return [
    { app_id: `quarantine:${step}`, version: sequence },
    { app_id: pairedTxn(step), version: table_version },
  ];
}

interface Txn {
  readonly app_id: string;
  readonly version: number;
}

function pairedTxn(step: string): string {
  return `quarantine-belongs-to:${step}`;
}

/**
 * True when the quarantine was written for a table version that never came (a crash between the two commits): the
 * quarantine then does not fit the table, and the step is computed as a whole.
 */
export async function quarantineRanAhead(step: StepContext, table_version: number | undefined): Promise<boolean> {
  const quarantine = await step.run.lake.snapshot(quarantineOf({ layer: step.node.layer, name: step.node.name }));
  return ranAhead(step.node.key, quarantine, table_version);
}

/** The same of a version of the quarantine. */
export function ranAhead(step: string, quarantine: Snapshot | undefined, table_version: number | undefined): boolean {
  const paired = quarantine?.txns.get(pairedTxn(step));
  return paired !== undefined && paired > (table_version ?? -1);
}
