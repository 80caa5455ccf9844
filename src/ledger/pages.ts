import type { Ledger, RunRecord } from '../core/ports/ledger.ts';
import type { RunPage } from '../core/ports/page-ledger.ts';
import { integer, text } from './cells.ts';
import type { Connection } from './connection.ts';
import { runOf } from './runs.ts';
import { newestSteps, provableSteps } from './steps.ts';

export function pageLedger(connection: Connection): Ledger['pages'] {
  return {
    runs: (page) => connection.guard(() => pageOfRuns(connection, page)),
    steps: (step, limit) => connection.guard(() => newestSteps(connection, step, limit)),
    provable: (step, log) => connection.guard(() => provableSteps(connection, step, log)),
    quarantine: () =>
      connection
        .all(
          `select table_name, rule, sum(rows) as rows, count(distinct file) as files from quarantine
           group by table_name, rule order by table_name, rows desc, rule`,
        )
        .map((row) => ({ ...ruleOf(row), files: integer(row, 'files') })),
    quarantineParts: (table, limit) =>
      connection
        .all(
          `select table_name, rule, file, run_id, sum(rows) as rows from quarantine where table_name = ?
           group by rule, file, run_id order by rows desc, rule, file, run_id limit ?`,
          table,
          limit,
        )
        .map((row) => ({ ...ruleOf(row), file: text(row, 'file'), run_id: text(row, 'run_id') })),
    inputTotals: (source) => {
      const rows = connection.all(
        'select status, count(*) as units from inputs where source = ? group by status',
        source,
      );
      const units = new Map(rows.map((row) => [text(row, 'status'), integer(row, 'units')]));
      const of = (status: string): number => units.get(status) ?? 0;
      return { loaded: of('loaded'), refused: of('quarantined'), removed: of('removed') };
    },
  };
}

function ruleOf(row: Parameters<typeof text>[0]): {
  readonly table: string;
  readonly rule: string;
  readonly rows: number;
} {
  return { table: text(row, 'table_name'), rule: text(row, 'rule'), rows: integer(row, 'rows') };
}

/** By the order of writing, through an index in each case. */
function pageOfRuns(
  connection: Connection,
  { limit, status, before }: RunPage<RunRecord['status']>,
): readonly RunRecord[] {
  const conditions = [
    ...(status === undefined ? [] : ['status = ?']),
    ...(before === undefined ? [] : ['seq < coalesce((select seq from runs where run_id = ?), 0)']),
  ];
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const values = [...(status === undefined ? [] : [status]), ...(before === undefined ? [] : [before])];
  return connection.all(`select * from runs ${where} order by seq desc limit ?`, ...values, limit).map(runOf);
}
