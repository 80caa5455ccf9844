import type { Outlook } from '../../core/ports/pulled-source.ts';
import { ofOneQuestion } from '../../medallion/bronze/pulled/one-question.ts';
import { pullContext } from '../../medallion/bronze/pulled/pulling.ts';
import { recover } from '../../medallion/bronze/pulled/recover.ts';
import { standingOf } from '../../medallion/bronze/pulled/standing.ts';
import type { BronzeNode } from '../../medallion/bronze/step.ts';
import type { RunContext } from '../../medallion/context.ts';
import type { Rooms } from '../rooms.ts';

/** What waits at a source that is asked, and what an earlier run landed already. A source that cannot be asked now is no error of the plan. */
export async function lookAtSource(
  rooms: Rooms,
  run: Pick<
    RunContext,
    'project' | 'lake' | 'ledger' | 'redo' | 'now_ms' | 'signal' | 'temp_folder' | 'redact' | 'notice'
  >,
  node: BronzeNode,
): Promise<Outlook> {
  const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
  const standing = await standingOf(run, node, snapshot);
  const place = await rooms.openLanding(run.project, node.name);
  const source = ofOneQuestion(await rooms.openPulled(node.spec, run.project));
  try {
    const waiting = (await place.count()) === 0 ? undefined : await recover(place, standing.position, source);
    const position = waiting?.position ?? standing.position;
    const outlook = await source.look(pullContext(run, node, { ...standing, position })).catch(unreachable);
    if (waiting === undefined) return outlook;
    const units = `${waiting.units.length} landed ${waiting.units.length === 1 ? 'unit waits' : 'units wait'}`;
    return { ...outlook, pending: 'some', words: `${units}; ${outlook.words}` };
  } finally {
    await source.close();
  }
}

function unreachable(error: unknown): Outlook {
  const text = error instanceof Error ? error.message : String(error);
  return { pending: 'unknown', words: `cannot be asked now: ${text}` };
}
