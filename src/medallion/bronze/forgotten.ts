import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { KnownInput } from '../../core/ports/source.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { keptMessage } from '../publish.ts';
import type { AcceptedUnit } from './intake.ts';
import type { BronzeStep } from './step.ts';

const SHOWN_MAX = 3;

/** The application id under which a table remembers that this content of this source was loaded. */
export function unitOfWork(step: BronzeStep, { inspection }: AcceptedUnit): string {
  return `source:${step.node.name}:sha256:${inspection.sha256}`;
}

/**
 * Rows of a unit whose record the ledger has lost: loading it once more would count them twice. The engine is asked only about units of an unknown name whose
 * content the table has had at some time, which an earlier content of another file may be, too. @throws DataflowError E_LEDGER_CORRUPT
 */
export async function refuseForgotten(
  step: BronzeStep,
  session: EngineSession,
  {
    snapshot,
    accepted,
    known,
  }: {
    readonly snapshot: Snapshot | undefined;
    readonly accepted: readonly AcceptedUnit[];
    readonly known: ReadonlyMap<string, KnownInput>;
  },
): Promise<void> {
  if (snapshot === undefined || step.anew === true) return;
  const had = accepted.filter(
    (one) => !one.replaces && snapshot.txns.has(unitOfWork(step, one)) && !known.has(one.unit.path),
  );
  if (had.length === 0) return;
  await session.bind(relationOf(snapshot, 'loaded_before'));
  const list = had.map(({ unit }) => quoteText(unit.path)).join(', ');
  const rows = await session.rows(`select distinct _file as path from loaded_before where _file in (${list})`, {
    rows_max: had.length,
  });
  if (rows.length === 0) return;
  const paths = rows.map((row) => String(row['path'])).sort();
  const more = paths.length > SHOWN_MAX ? ` and ${paths.length - SHOWN_MAX} more` : '';
  throw new DataflowError(
    'E_LEDGER_CORRUPT',
    `${step.node.key} has rows of ${paths.slice(0, SHOWN_MAX).join(', ')}${more}, which the ledger does not know as loaded`,
    { kept: keptMessage(step, snapshot) },
  );
}
