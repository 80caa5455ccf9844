import type { Project } from '../../../core/model/project.ts';
import type { LandingCare } from '../../../core/ports/landing-care.ts';
import { sizeText } from '../../../kit/units.ts';
import { type DoctorFinding, warn } from './finding.ts';

const ANY = { before_ms: Number.POSITIVE_INFINITY, needed: new Set<string>() };

/** Whatever writes takes less: an older file that is not finished was left by a kill. */
const TORN_MS = 3_600_000;

/** What kills left half written among kept responses and refused units. */
export async function tornLanding(care: LandingCare, now_ms: number): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  for (const source of await care.sources()) {
    const { torn_files, size_bytes } = await care.plan(source, { torn_before_ms: now_ms - TORN_MS });
    if (torn_files === 0) continue;
    const files = torn_files === 1 ? 'file' : 'files';
    found.push(
      warn(
        'left-over files',
        `${torn_files} half-written ${files} of the source ${source}, by a run that was killed (${sizeText(size_bytes)})`,
        'dataflow compact removes them.',
      ),
    );
  }
  return found;
}

/** What sources that are no longer configured have lying beside the lake. */
export async function abandonedLanding(project: Project, care: LandingCare): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  for (const source of await care.sources()) {
    if (project.sources[source] !== undefined) continue;
    const there = await care.plan(source, { landed_before_ms: ANY.before_ms, refused: ANY, responses: ANY });
    if (there.files.length === 0) continue;
    const { landed_files, refused_units, responses, size_bytes } = there;
    const size = sizeText(size_bytes);
    found.push(
      warn(
        'left-over files',
        `the source ${source} is not configured, but ${landed_files} landed files, ${refused_units} refused units and ${responses} kept responses of it are there (${size})`,
        'Bring the source back to go on from them; else dataflow compact removes what nothing needs, kept responses after lake.keep.raw_days.',
      ),
    );
  }
  return found;
}
