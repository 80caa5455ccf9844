import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import { parentsOf } from '../../core/planning/graph.ts';
import type { EngineSession, Row } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { BronzeStep } from '../../medallion/bronze/step.ts';
import type { RunContext } from '../../medallion/context.ts';
import { localPlaces } from '../../medallion/decide/apart.ts';
import type { RejectingNode } from '../../medallion/decide/select.ts';
import { tryRecords, trySilver } from '../../medallion/decide/trial.ts';
import type { SilverStep } from '../../medallion/silver/sql.ts';
import type { Rooms } from '../rooms.ts';

const ROWS_MAX = 1_000_000;

/** Sends the prepared rows through today's definitions without writing anything: per row the record before and after, and the rule that refuses it. */
export async function tryFixes(
  rooms: Rooms,
  project: Project,
  lake: Lake,
  session: EngineSession,
  node: RejectingNode,
  temp_folder: string,
): Promise<readonly Row[]> {
  if (node.layer === 'bronze') {
    const table = await lake.snapshot({ layer: 'bronze', name: node.name });
    const step = { node } as unknown as BronzeStep;
    await tryRecords(step, session, table?.columns ?? [], localPlaces(temp_folder));
    return triedRows(session);
  }
  const inputs = new Map<string, Snapshot>();
  for (const parent of parentsOf(node)) {
    const table = parseTableKey(parent);
    const snapshot = table === undefined ? undefined : await lake.snapshot(table);
    if (snapshot !== undefined) inputs.set(parent, snapshot);
  }
  const run = { project, lake, checks: await rooms.checks(), now_ms: Date.now() } as unknown as RunContext;
  const published = await lake.snapshot({ layer: node.layer, name: node.name });
  const recall = published === undefined ? {} : { published };
  const step = { run, node, inputs, recall, code_fingerprint: codeFingerprint(node) } as unknown as SilverStep;
  await trySilver(step, session);
  return triedRows(session);
}

function triedRows(session: EngineSession): Promise<readonly Row[]> {
  return session.rows(
    `select m.quarantine_id, m.file, m.line, m.raw as before, coalesce(f.mended_raw, f.mended, m.raw) as after, t.rule, t.reason
     from matched m join fixes f on f._id = m.quarantine_id join trial t on t._id = m.quarantine_id order by m.file, m.line, m.quarantine_id`,
    { rows_max: ROWS_MAX },
  );
}
