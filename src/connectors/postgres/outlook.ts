import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { cursorOutlook } from '../../core/planning/cursor-outlook.ts';
import type { Outlook, Position } from '../../core/ports/pulled-source.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { TAKEN_ROWS_MAX, TakenRows } from '../../kit/taken-rows.ts';
import { type ChangesPlan, horizonOf, latest, sectionCopy } from './changes-plan.ts';
import { isNewRow } from './flagged-row.ts';
import { type ChangesPosition, changesPosition, type Horizon, type Round } from './position.ts';
import type { Relation } from './relation.ts';
import type { Session } from './session.ts';

/** What a snapshot would bring: everything, as the planner of the database estimates it. */
export async function snapshotOutlook(session: Session, relation: Relation): Promise<Outlook> {
  const [found] = await session.rows(`select 1 as one from ${relation.from} limit 1`);
  const words = found === undefined ? `${relation.name} is empty` : `${relation.name}, as it is at that moment`;
  return { pending: 'unknown', words };
}

/**
 * What a pull would take: rows beyond the cursor are counted; those that are read again are held against those that were taken, for a late or an
 * updated one lies among them.
 */
export async function changesOutlook(
  session: Session,
  plan: ChangesPlan,
  position: Position | undefined,
): Promise<Outlook> {
  const last = changesPosition(position);
  const { upto, rounds, round } = last;
  if (rounds === 0 || upto === null || round !== null)
    return {
      pending: round === null ? 'unknown' : 'some',
      words: `${plan.relation.name}, ${round === null ? 'from its beginning' : 'the rest of what was begun'}`,
    };
  try {
    const { beyond, highest, oldest_ms } = await rowsBeyond(session, plan, upto);
    const { horizon } = await horizonOf(session, plan, last);
    const found = new NewRows(session, plan, last, horizon);
    const again =
      (await found.count('strays', highest ?? upto)) + (last.low === null ? 0 : await found.count('line', upto));
    // What was in the future when it was taken is beyond the cursor by now.
    const recount = last.strays && highest !== undefined && beyond <= TAKEN_ROWS_MAX;
    const outlook = cursorOutlook({
      beyond: recount ? await found.count('line', highest, null) : beyond,
      again,
      after: upto,
      name: 'row',
    });
    return oldest_ms === undefined ? outlook : { ...outlook, oldest_ms };
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SOURCE_TIMEOUT') throw error;
    return {
      pending: 'unknown',
      words: `counting the rows after ${upto} takes too long (is there an index on ${plan.cursor.name}?)`,
    };
  }
}

interface Beyond {
  readonly beyond: number;
  readonly highest?: string;
  readonly oldest_ms?: number;
}

async function rowsBeyond(session: Session, plan: ChangesPlan, upto: string): Promise<Beyond> {
  const cursor = `t.${quoteIdent(plan.cursor.name)}`;
  const isTime = plan.cursor.type === 'timestamptz';
  const oldest = isTime ? `(extract(epoch from now() - min(${cursor})) * 1000)::bigint::text` : 'null';
  const [counted] = await session.rows(
    `select count(*)::text as n, max(${cursor})::text as highest, ${oldest} as oldest from ${plan.relation.from}
     where ${cursor} > ${quoteText(upto)}::${plan.cursor.sql_type} and ${latest(plan)}`,
  );
  const highest = counted?.['highest'] ?? null;
  const oldest_ms = counted?.['oldest'] ?? null;
  return {
    beyond: Number(counted?.['n'] ?? 0),
    ...(highest === null ? {} : { highest }),
    ...(oldest_ms === null ? {} : { oldest_ms: Number(oldest_ms) }),
  };
}

/** Rows of a section that the next round would take, told as the round tells them. */
class NewRows {
  private readonly session: Session;
  private readonly plan: ChangesPlan;
  private readonly last: ChangesPosition;
  private readonly horizon: Horizon | null;
  private readonly taken: TakenRows;

  constructor(session: Session, plan: ChangesPlan, last: ChangesPosition, horizon: Horizon | null) {
    this.session = session;
    this.plan = plan;
    this.last = last;
    this.horizon = horizon;
    this.taken = TakenRows.from(last.taken);
  }

  /** At most so many as are remembered, of more. @param low where the line begins, if it is not where the last round said */
  async count(section: Round['section'], upto: string, low = this.last.low): Promise<number> {
    const { horizon, taken } = this;
    const round: Round = { upto, low: null, horizon, section, after: null, taken: '', strays: false };
    const rows_max = taken.size + TAKEN_ROWS_MAX;
    let found = 0;
    for await (const rows of this.session.copy(sectionCopy(this.plan, { ...this.last, low }, round, horizon, rows_max)))
      for (let at = 0; at + 1 < rows.starts.length; at += 1)
        if (isNewRow(rows.bytes.subarray(rows.starts[at], rows.starts[at + 1]), taken)) found += 1;
    return found;
  }
}
