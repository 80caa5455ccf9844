import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { EngineColumn, EngineSession } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { bindDecisions } from '../decisions.ts';
import { applyDecisions } from './decided.ts';
import { type SilverStep, unrawSql } from './sql.ts';

/** Which bronze rows a silver step reads. */
export interface SilverInput {
  readonly kind: 'whole' | 'growth';
  /** Per source: the files to read. */
  readonly files: ReadonlyMap<string, readonly DataFile[]>;
  /** Rows read, quarantined rows that come back included. */
  readonly rows: number;
  /** Quarantined rows to try again: the quarantine and the condition that picks them. */
  readonly retry?: { readonly snapshot: Snapshot; readonly where: string; readonly rows: number };
}

/** All bronze rows, nothing from the quarantine: a whole computation judges every row anew. */
export function wholeInput(step: SilverStep): SilverInput {
  const files = new Map(step.node.inputs.map((table) => [table, step.inputs.get(table)?.files ?? []]));
  const rows = [...files.values()].flat().reduce((sum, file) => sum + file.rows, 0);
  return { kind: 'whole', files, rows };
}

/**
 * Binds the sources and references, and defines `src`: all rows to read, united by name, with their place of origin.
 * Returns the columns of `src`.
 */
export async function bindSources(
  step: SilverStep,
  session: EngineSession,
  input: SilverInput,
): Promise<{ readonly columns: readonly EngineColumn[]; readonly decided: boolean }> {
  const texts = JSON.stringify(step.node.spec).toLowerCase();
  for (const [table, snapshot] of step.inputs) {
    // The rows to read come under a name of their own; a source goes by its own name only where some SQL names its layer.
    const named = texts.includes('bronze') || !step.node.inputs.includes(table) || step.node.references.includes(table);
    if (named) await session.bind(relationOf(snapshot, table));
  }
  const parts: string[] = [];
  for (const [index, table] of step.node.inputs.entries()) {
    const snapshot = step.inputs.get(table);
    if (snapshot === undefined) continue;
    await session.bind({ ...relationOf(snapshot, `in_${index}`, true), files: input.files.get(table) ?? [] });
    const own = snapshot.columns.filter((column) => column.name !== SOURCE_FILE_COLUMN);
    parts.push(
      `select ${[...own.map((c) => quoteIdent(c.name)), '_file', ...UNDECIDED].join(', ')},
       ${index} as _src, _part, _pos from in_${index}`,
    );
    if (input.retry !== undefined) parts.push(retriedSql(table, index, snapshot.columns, input.retry.where));
  }
  if (input.retry !== undefined) await session.bind(relationOf(input.retry.snapshot, 'retried_quarantine'));
  const sql = parts.join('\nunion all by name\n');
  const decided = input.kind === 'whole' && (await bindDecisions(session, step.decided));
  await session.define(decided ? 'src_as_read' : 'src', sql);
  if (decided) await applyDecisions(step, session, await session.describe('select * from src_as_read'));
  return { columns: await session.describe('select * from src'), decided };
}

/** No line, no quarantine id, no earlier content, not discarded: what a row is that never was in quarantine. */
const UNDECIDED = [
  'cast(null as bigint) as _line',
  'cast(null as varchar) as _qid',
  'cast(null as varchar) as _was',
  'false as _discarded',
];

function retriedSql(table: string, index: number, columns: readonly Column[], where: string): string {
  const own = unrawSql(columns.filter((column) => column.name !== SOURCE_FILE_COLUMN));
  return `select ${own}, file as _file, line as _line, quarantine_id as _qid, raw as _was, false as _discarded, ${-(index + 1)} as _src, 0 as _part,
    row_number() over (order by file, line, quarantine_id) as _pos
    from retried_quarantine where (${where}) and origin = ${quoteText(table)}`;
}
