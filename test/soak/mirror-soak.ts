import type { SyncReport } from '../../src/app/mirror/sync-report.ts';
import type { MirrorProject } from '../services/mirror-project.ts';
import { seeded } from './random.ts';

export interface MirrorSoakOptions {
  readonly project: MirrorProject;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface MirrorSoakResult {
  readonly kills: number;
  readonly syncs: number;
  /** What was not as it should be afterwards, each with the trial that brought it. */
  readonly violations: readonly string[];
}

/** A sync passes about so many fault points, the ledger's among them. */
const POINTS_MAX = 70;

/**
 * New rows, a sync that is killed at any of its points, perhaps killed again, then one that is left alone: both sides must be equal by their checksums, and
 * another sync must find nothing to do. Now and then old versions are collected and removed there, too.
 */
export async function mirrorSoak({ project, kills, seed, say }: MirrorSoakOptions): Promise<MirrorSoakResult> {
  const random = seeded(seed);
  const violations: string[] = [];
  let struck = 0;
  let syncs = 0;
  for (let trial = 0; struck < kills; trial++) {
    project.day(1000 + trial, 5);
    await project.run('run');
    const collects = random.share() < 0.2;
    if (collects) await project.run('compact', '--grace', '0s');
    const how = collects ? ['--delete', '--max-delete', '100'] : [];
    const points: string[] = [];
    for (let again = 0; again < 3; again++) {
      const nth = 1 + random.below(POINTS_MAX >> again);
      const { stderr } = await project.faulty(`any:kill@${nth}`, 'sync', ...how);
      const point = /fault point ([\w-]+)/.exec(stderr)?.[1];
      if (point === undefined) break;
      points.push(`${point} (${nth})`);
      struck += 1;
    }
    const [report] = await project.json<readonly SyncReport[]>('sync', 'far', ...how);
    const [next] = await project.json<readonly SyncReport[]>('sync', 'far');
    const verified = await project.run('verify', '--at', 'far');
    syncs += 2 + points.length;
    const wrong = [
      ...(report === undefined || report.left.length > 0 ? ['the sync afterwards left something'] : []),
      ...(next?.up_to_date === true ? [] : ['another sync has something to do']),
      ...(verified.code === 0 ? [] : [`not equal: ${verified.stdout}${verified.stderr}`]),
    ];
    violations.push(...wrong.map((words) => `${points.join(', ')}: ${words}`));
    say(`${struck} kills; ${points.join(', ')}${wrong.length === 0 ? '' : `: ${wrong.join('; ')}`}`);
  }
  return { kills: struck, syncs, violations };
}
