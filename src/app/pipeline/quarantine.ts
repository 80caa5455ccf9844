import type { QuarantineOverview } from '../../core/contract/pipeline.ts';
import type { RejectedRow, TableQuarantine } from '../../core/contract/pipeline-table.ts';
import { parseTableKey, quarantineOf, tableKey } from '../../core/model/table.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { shellWord } from '../../kit/shell-word.ts';
import { decidedOf } from '../../medallion/decisions.ts';
import type { InUse } from '../serve/in-use.ts';
import { tableSql } from '../serve/table-request.ts';
import type { Turn } from '../serve/turns.ts';
import type { Redact } from './runs.ts';
import type { Scope } from './scope.ts';

const RAW_CHARS_MAX = 2_000;

/** Where the rejected rows of a table lie: `quarantine.silver_achats`. */
export function rejectsOf(key: string): string {
  const table = parseTableKey(key);
  return table === undefined ? '' : tableKey(quarantineOf(table));
}

/** What sends rejected rows through their table again. */
export function replayWords(
  table: string,
  only: { readonly rule?: string; readonly file?: string; readonly run?: string } = {},
): readonly string[] {
  const flags = (['rule', 'file', 'run'] as const).flatMap((name) =>
    only[name] === undefined ? [] : [`--${name}`, only[name]],
  );
  return ['quarantine', 'replay', table, ...flags];
}

export function commandText(words: readonly string[]): string {
  return ['dataflow', ...words].map(shellWord).join(' ');
}

export function quarantineOverview(ledger: Ledger, scope: Scope): QuarantineOverview {
  const data = ledger.pages
    .quarantine()
    .filter(({ table }) => scope.may(table))
    .map((one) => ({ ...one, replay: commandText(replayWords(one.table, { rule: one.rule })) }));
  return { rows: data.reduce((sum, { rows }) => sum + rows, 0), data };
}

export function tableQuarantine(
  ledger: Ledger,
  table: string,
  limit: number,
  redact: Redact,
): Omit<TableQuarantine, 'rejected'> {
  const parts = ledger.pages.quarantineParts(table, limit + 1);
  const rows = ledger.pages.quarantine().reduce((sum, one) => sum + (one.table === table ? one.rows : 0), 0);
  return {
    table,
    rows,
    replay: commandText(replayWords(table)),
    groups: parts.slice(0, limit).map(({ rule, file, run_id, rows: some }) => ({
      ...{ table, rule, run_id, rows: some, file: redact(file) },
      replay: commandText(replayWords(table, { rule, file, run: run_id })),
    })),
    groups_truncated: parts.length > limit,
  };
}

/** Some of the rejected rows as of a release, without those that were discarded since. */
export async function rejectedRows(
  use: InUse,
  turn: Turn,
  key: string,
  limit: number,
): Promise<readonly RejectedRow[]> {
  const rejects = rejectsOf(key);
  if (!use.release.has(rejects)) return [];
  await use.release.table(rejects);
  const rows = await use.release.tables.rows(
    {
      sql: `select quarantine_id, file, line, rule, left(reason, ${RAW_CHARS_MAX}) as reason, left(raw, ${RAW_CHARS_MAX}) as raw
        from ${tableSql(rejects)} as q where ${await undecided(use, key)} order by file, line, rule, quarantine_id limit $_limit`,
      params: { _limit: { type: 'bigint', value: limit } },
      signal: turn.signal,
    },
    limit,
  );
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
  return rows.map((row) => ({
    quarantine_id: String(row['quarantine_id']),
    file: text(row['file']),
    line: row['line'] === null ? null : Number(row['line']),
    rule: String(row['rule']),
    reason: String(row['reason']),
    raw: text(row['raw']),
  }));
}

/** The condition of rows for which the newest decision is not to put them away for good. */
async function undecided({ release }: InUse, key: string): Promise<string> {
  const table = parseTableKey(key);
  const decided = table === undefined ? '' : tableKey(decidedOf(table));
  if (!release.has(decided)) return 'true';
  await release.table(decided);
  return `not exists (select 1 from (select * from ${tableSql(decided)} qualify row_number() over (partition by quarantine_id order by decision desc) = 1) as d
    where d.quarantine_id = q.quarantine_id and d.raw is not distinct from q.raw and d.action = 'discard')`;
}
