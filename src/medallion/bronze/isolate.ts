import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { FILE_LIMITS } from '../../core/model/project.ts';
import type { ReadLimits } from '../../core/ports/engine.ts';
import { engineFile } from './engine-file.ts';
import type { AcceptedUnit } from './intake.ts';
import type { Parsed, Unfit } from './parsed.ts';
import type { BronzeStep } from './step.ts';

/** One second more for so many bytes. */
const BYTES_A_SECOND = 5_000_000;
/** Longest wait for several files together, besides what their size allows for: then they are read one by one. */
const BATCH_SECONDS_MAX = 10;

/** What reading these units together may take. */
export function readLimits(step: BronzeStep, units: readonly AcceptedUnit[]): ReadLimits {
  const limits = step.node.spec.limits ?? FILE_LIMITS;
  const bytes = units.reduce((sum, one) => sum + one.inspection.expanded_bytes, 0);
  const base = units.length > 1 ? Math.min(limits.file_seconds_max, BATCH_SECONDS_MAX) : limits.file_seconds_max;
  return {
    seconds_max: base + Math.floor(bytes / BYTES_A_SECOND),
    memory_bytes_max: limits.file_memory_max_bytes,
  };
}

/** Failures of the machine, which say nothing of the file. */
const NOT_ITS_FAULT =
  /cannot open|could not open|input\/output error|permission denied|no such file|too many open files/i;

/** True when an error of parsing tells of the content of a file: it can be put aside and the others taken. */
function isFileFault(error: unknown): error is DataflowError {
  if (!(error instanceof DataflowError)) return false;
  return error.code === 'E_READER' || (error.code === 'E_SOURCE_IO' && !NOT_ITS_FAULT.test(error.message));
}

/**
 * After a failure: of one unit, it is unfit; of several, the halves are parsed by themselves until the culprits are found.
 * @throws what failed, when no file is to blame.
 */
export async function isolate(
  error: unknown,
  units: readonly AcceptedUnit[],
  label: string,
  parse: (units: readonly AcceptedUnit[], label: string) => Promise<Parsed>,
): Promise<Parsed> {
  if (!isFileFault(error)) throw error;
  const [accepted] = units;
  if (accepted !== undefined && units.length === 1)
    return { candidates: [], rejects: [], loaded: [], unfit: [unfitFor(error, accepted)] };
  const middle = Math.ceil(units.length / 2);
  const first = await parse(units.slice(0, middle), `${label}a`);
  const second = await parse(units.slice(middle), `${label}b`);
  return {
    candidates: [...first.candidates, ...second.candidates],
    rejects: [...first.rejects, ...second.rejects],
    loaded: [...first.loaded, ...second.loaded],
    unfit: [...first.unfit, ...second.unfit],
  };
}

/**
 * The unit as the quarantine will know it.
 * @throws what failed, when the file is not to blame.
 */
export function unfitFor(error: unknown, accepted: AcceptedUnit): Unfit {
  if (!isFileFault(error)) throw error;
  if (error.code !== 'E_SOURCE_IO') return { accepted, rule: 'unsafe_file', reason: error.message };
  return { accepted, rule: `damaged_${accepted.unit.format}`, reason: shortened(error.message, accepted) };
}

/** The engine names the file by its whole path; the entry in the quarantine has its name already. */
function shortened(message: string, { unit, inspection }: AcceptedUnit): string {
  const told = message.replaceAll(engineFile(unit, inspection).uri, unit.path);
  return inspection.address === undefined ? told : told.replaceAll(inspection.address, unit.path);
}
