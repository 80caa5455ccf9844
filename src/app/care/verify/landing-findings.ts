import type { Project } from '../../../core/model/project.ts';
import type { Graph } from '../../../core/planning/graph.ts';
import type { Lake } from '../../../core/ports/lake.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { positionText } from '../../../medallion/bronze/pulled/pulling.ts';
import { standingOf } from '../../../medallion/bronze/pulled/standing.ts';
import type { Rooms } from '../../rooms.ts';
import { type Finding, remark } from './finding.ts';

/** Units that were landed and are not in the lake: those that the next run takes, and those that no longer fit. */
export async function checkLanding(
  rooms: Rooms,
  { project, lake, ledger, graph }: { project: Project; lake: Lake; ledger: Ledger; graph: Graph },
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const node of graph.nodes) {
    if (node.layer !== 'bronze' || node.spec.pulled !== true) continue;
    const place = await rooms.openLanding(project, node.name);
    if ((await place.count()) === 0) continue;
    const { units } = await place.landed();
    const snapshot = await lake.snapshot({ layer: 'bronze', name: node.name });
    const { position } = await standingOf({ lake, ledger, redo: false }, node, snapshot);
    const fits = units[0] !== undefined && positionText(units[0].follows) === positionText(position);
    const records = units.reduce((sum, unit) => sum + unit.records + unit.unreadable, 0);
    const what = `${units.length} landed ${units.length === 1 ? 'unit' : 'units'} of ${node.name} (${records} records)`;
    findings.push(
      remark('input', fits ? `${what} wait to be taken in` : `${what} belong to a position that no longer counts`, {
        table: node.key,
        remedy: fits ? 'The next dataflow run takes them in.' : 'The next dataflow run removes them.',
      }),
    );
  }
  return findings;
}
