import type { Column } from '../../core/model/table.ts';
import type { CandidateFile, EngineSession } from '../../core/ports/engine.ts';
import type { DataFile } from '../../core/ports/lake.ts';
import type { QuarantineCount, ReturnedRows, TestResult } from '../../core/ports/ledger.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { QuarantineChange } from '../quarantine.ts';
import type { SilverViews } from './sql.ts';

/** What a silver step computed, before audit and publishing. */
export interface SilverCandidate {
  readonly columns: readonly Column[];
  readonly mode: 'append' | 'rewrite';
  readonly computed: 'full' | 'incremental';
  readonly add: readonly CandidateFile[];
  readonly remove: readonly DataFile[];
  readonly keep: readonly DataFile[];
  readonly rows_in: number;
  readonly rows_out: number;
  readonly deduplicated: number;
  readonly filtered: number;
  readonly quarantined: number;
  readonly quarantine: QuarantineChange | undefined;
  readonly quarantine_counts: readonly QuarantineCount[];
  /** True: the counts are those of the whole quarantine of this table, not just the new ones. */
  readonly replaces_quarantine: boolean;
  /** Decided rows that were rejected again. */
  readonly returned: readonly ReturnedRows[];
  readonly warnings: readonly TestResult[];
}

/** Rows of a relation of the session. */
export async function countOf(session: EngineSession, relation: string): Promise<number> {
  const [row] = await session.rows(`select count(*) as n from ${relation}`, { rows_max: 1 });
  return Number(row?.['n'] ?? 0);
}

/** What lookups found, and rules of severity `warn` let the row pass; how many broke them is reported beside the tests. */
export async function warningsOf(session: EngineSession, views: SilverViews): Promise<readonly TestResult[]> {
  const warned = views.rules.filter((rule) => rule.severity === 'warn');
  if (warned.length === 0) return views.lookups;
  const joins = warned.flatMap(({ index, condition: { reference } }) =>
    reference === undefined
      ? []
      : [` left join ref_${index} as _ref${index} on picked.${quoteIdent(reference.column)} = _ref${index}.k`],
  );
  const counts = warned.map((rule) => `count(*) filter (where ${rule.broken}) as w${rule.index}`).join(', ');
  const [row] = await session.rows(`select ${counts} from picked${joins.join('')}`);
  const broken = warned.map((rule): TestResult => {
    const failures = Number(row?.[`w${rule.index}`] ?? 0);
    const message =
      failures === 0
        ? 'no row breaks this rule'
        : `${failures} ${failures === 1 ? 'row breaks' : 'rows break'} this rule and ${failures === 1 ? 'was' : 'were'} let through`;
    return { test: rule.name, severity: 'warn', passed: failures === 0, failures, message };
  });
  return [...views.lookups, ...broken];
}
