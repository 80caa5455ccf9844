import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { EngineLimits } from '../../core/planning/engine-limits.ts';
import type { Estimate } from '../../core/planning/estimate.ts';
import { lakeFolder } from '../../core/planning/lake-place.ts';
import { freeBytes } from '../../kit/disk-space.ts';
import { sizeText } from '../../kit/units.ts';
import type { RunEvent } from './run-events.ts';

/** Below this the disk is not asked: a step that small is over before it would pay. */
const BIG_BYTES = 16 * 1024 * 1024;

/**
 * Tells the estimate of a step that is about to begin, and holds it against the disk.
 * @throws DataflowError E_LAKE_SPACE when the result alone would not fit; what would spill is uncertain and only warned about.
 */
export async function admitStep(
  step: string,
  estimate: Estimate,
  places: { readonly project: Project; readonly limits: EngineLimits; readonly state_folder: string },
  tell: (event: RunEvent) => void,
): Promise<void> {
  const { project, limits, state_folder } = places;
  const spill_bytes = Math.max(0, (estimate.working_bytes ?? 0) - limits.memory_bytes);
  tell({ type: 'estimate', step, message: shownEstimate(estimate, limits, spill_bytes) });
  const out_bytes = estimate.bytes_out ?? 0;
  if (out_bytes + spill_bytes < BIG_BYTES) return;
  const folder = lakeFolder(project);
  const lake = await freeBytes(folder);
  if (lake !== undefined && out_bytes > lake) {
    throw new DataflowError(
      'E_LAKE_SPACE',
      `${step}: its result needs about ${sizeText(out_bytes)}, but ${sizeText(lake)} are free at ${folder}`,
      { kept: 'nothing of this step was begun; every published version stays as it is' },
    );
  }
  const spill = await freeBytes(state_folder);
  if (spill !== undefined && spill_bytes > 0 && spill_bytes + out_bytes > spill) {
    const message = `${step}: it may have to put ${sizeText(spill_bytes)} aside on disk, but ${sizeText(spill)} are free at ${state_folder}`;
    tell({ type: 'warning', message });
  }
}

/** `about 8,230 rows, 76 KB in; 81 KB out; fits into memory`. */
function shownEstimate(estimate: Estimate, limits: EngineLimits, spill_bytes: number): string {
  const size = (bytes: number | undefined, word: string): string =>
    bytes === undefined ? `unknown size ${word}` : `${sizeText(bytes)} ${word}`;
  const rows = estimate.rows === undefined ? '' : `${estimate.rows} rows, `;
  const memory =
    spill_bytes > 0
      ? `may spill ${sizeText(spill_bytes)} beyond the ${sizeText(limits.memory_bytes)} of memory`
      : `fits into the ${sizeText(limits.memory_bytes)} of memory`;
  return `about ${rows}${size(estimate.bytes_in, 'in')}; ${size(estimate.bytes_out, 'out')}; ${memory}`;
}
