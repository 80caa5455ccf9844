import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Outlook, Position } from '../../core/ports/pulled-source.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { type ChangesPlan, latest } from './changes-plan.ts';
import { changesPosition } from './position.ts';
import type { Relation } from './relation.ts';
import type { Session } from './session.ts';

/** What a snapshot would bring: everything, as the planner of the database estimates it. */
export async function snapshotOutlook(session: Session, relation: Relation): Promise<Outlook> {
  const [found] = await session.rows(`select 1 as one from ${relation.from} limit 1`);
  const words = found === undefined ? `${relation.name} is empty` : `${relation.name}, as it is at that moment`;
  return { pending: 'unknown', words };
}

/** Rows beyond the cursor. Late ones among those that are read again are not counted: only the pull can tell them. */
export async function changesOutlook(
  session: Session,
  plan: ChangesPlan,
  position: Position | undefined,
): Promise<Outlook> {
  const { upto, rounds, round } = changesPosition(position);
  if (rounds === 0 || upto === null || round !== null)
    return {
      pending: round === null ? 'unknown' : 'some',
      words: `${plan.relation.name}, ${round === null ? 'from its beginning' : 'the rest of what was begun'}`,
    };
  const cursor = `t.${quoteIdent(plan.cursor.name)}`;
  const isTime = plan.cursor.type === 'timestamptz';
  const oldest = isTime ? `(extract(epoch from now() - min(${cursor})) * 1000)::bigint::text` : 'null';
  try {
    const [counted] = await session.rows(
      `select count(*)::text as n, ${oldest} as oldest from ${plan.relation.from} where ${cursor} > ${quoteText(upto)}::${plan.cursor.sql_type} and ${latest(plan)}`,
    );
    const records = Number(counted?.['n'] ?? 0);
    const oldest_ms = counted?.['oldest'] ?? null;
    return {
      pending: records === 0 ? 'none' : 'some',
      records,
      words: records === 0 ? `nothing after ${upto}` : `${records.toLocaleString('en')} rows after ${upto}`,
      ...(oldest_ms === null ? {} : { oldest_ms: Number(oldest_ms) }),
    };
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SOURCE_TIMEOUT') throw error;
    return {
      pending: 'unknown',
      words: `counting the rows after ${upto} takes too long (is there an index on ${plan.cursor.name}?)`,
    };
  }
}
