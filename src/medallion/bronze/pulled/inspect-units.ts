import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Column } from '../../../core/model/table.ts';
import type { InputUnit, Inspection } from '../../../core/ports/source.ts';
import { faultPoint } from '../../../kit/fault.ts';
import type { AcceptedUnit, Intake } from '../intake.ts';
import type { Pulling } from './pulling.ts';
import type { PathedUnit } from './unreadable.ts';

/** Folder-like name of a batch: the beginning of the paths of its units. */
export function batchPath(source: string, sequence: number): string {
  return `${source}/${String(sequence).padStart(8, '0')}/`;
}

/** The path that the ledger and `_file` know a unit under: batch, place in the batch (from 0), name that the source gave. */
export function unitPath(source: string, sequence: number, index: number, name: string): string {
  return `${batchPath(source, sequence)}${String(index + 1).padStart(4, '0')}-${name}`;
}

export function inputUnit({ unit, path }: PathedUnit): InputUnit {
  const { uri, size_bytes, layout } = unit;
  return { path, uri, size_bytes, mtime_ns: '0', inode: '0', format: layout.format, compression: 'none' };
}

/** Inspections that may run at the same time; the pass is bound by CPU and disk, not by waiting. */
const INSPECTIONS_MAX = 2;

/** Results in the order of the units; undefined for none. */
async function inTurns<T, R>(units: readonly T[], work: (unit: T) => Promise<R>): Promise<readonly (R | undefined)[]> {
  const results: (R | undefined)[] = new Array<R | undefined>(units.length).fill(undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < units.length; index = next++) {
      const unit = units[index];
      if (unit !== undefined) results[index] = await work(unit);
    }
  };
  await Promise.all(Array.from({ length: Math.min(INSPECTIONS_MAX, units.length) }, worker));
  return results;
}

/** The look at one unit, or what its writer says of it. */
export async function inspectionOf(
  { step, place }: Pulling,
  one: PathedUnit,
  columns: readonly Column[] | undefined,
): Promise<Inspection> {
  const { temp_folder, signal } = step.run;
  return await place.inspect(one.unit, inputUnit(one), {
    temp_folder,
    signal,
    ...(columns === undefined ? {} : { columns }),
  });
}

/** One pass over each unit, unless it is done already: member names, doubtful cells, our own count held against that of the source. */
export async function inspected(
  pulling: Pulling,
  units: readonly PathedUnit[],
  columns: readonly Column[] | undefined,
  early: ReadonlyMap<string, Inspection>,
): Promise<Intake> {
  const accepted: AcceptedUnit[] = [];
  const refused: Intake['refused'][number][] = [];
  const filled = units.filter(({ unit }) => unit.records > 0);
  const inspections = await inTurns(
    filled,
    async (one) => early.get(one.path) ?? (await inspectionOf(pulling, one, columns)),
  );
  for (const [index, one] of filled.entries()) {
    const unit = inputUnit(one);
    const inspection = inspections[index];
    if (inspection === undefined) continue;
    if (inspection.sha256 !== one.unit.sha256)
      throw new DataflowError(
        'E_LAKE_CORRUPT',
        `the landed unit ${one.path} no longer has the bytes that were sealed`,
        {
          hint: 'Check the disk, then run again: the unit is dropped and asked for once more.',
        },
      );
    if (inspection.problem !== undefined) refused.push({ unit, inspection, problem: inspection.problem });
    else if (inspection.records !== one.unit.records) {
      const reason = `it holds ${inspection.records} records, but its source wrote ${one.unit.records}`;
      refused.push({ unit, inspection, problem: { rule: 'record_count_mismatch', reason } });
    } else accepted.push({ unit, inspection, replaces: false });
  }
  faultPoint('after-inspect');
  const discovery = { fresh: units.map(inputUnit), unchanged: 0, waiting: [], refused: [], vanished: [] };
  return { accepted, refused, known: [], discovery };
}
