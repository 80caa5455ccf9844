import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';
import type { Discovery, KnownInput } from '../../core/ports/source.ts';
import type { RunContext } from '../context.ts';
import { keptMessage } from '../publish.ts';
import type { Intake } from './intake.ts';
import type { BronzeNode, BronzeStep } from './step.ts';

/** Loaded units that are no longer there, as far as that means something (`on_missing: delete`). */
export interface GoneUnits {
  /** Units whose rows go. */
  readonly paths: readonly string[];
  /** How many stay although they are gone, because their removal was undone. */
  readonly held: number;
  /** Units that are loaded. */
  readonly loaded: number;
  /** So many are gone that it looks like a folder that is not there rather than like files that were deleted. */
  readonly too_many: boolean;
}

export const NOTHING_GONE: GoneUnits = { paths: [], held: 0, loaded: 0, too_many: false };

/** Holds what is loaded against what was found. What is new or still being written counts as there: a renamed file is not gone. */
export function goneUnits(
  run: Pick<RunContext, 'ledger' | 'redo' | 'allow_missing'>,
  node: BronzeNode,
  discovery: Discovery,
  known: ReadonlyMap<string, KnownInput>,
): GoneUnits {
  if (node.spec.on_missing !== 'delete') return NOTHING_GONE;
  const vanished = discovery.vanished.filter((path) => known.get(path)?.status === 'loaded');
  if (vanished.length === 0) return NOTHING_GONE;
  const kept = run.redo ? new Set<string>() : run.ledger.removalsUndone(node.name);
  const paths = vanished.filter((path) => !kept.has(path));
  const held = vanished.length - paths.length;
  const loaded = [...known.values()].filter((one) => one.status === 'loaded').length - held;
  // A folder that is missing waits too, but for no time: that is no file.
  const seen = [...discovery.fresh, ...discovery.waiting.filter((one) => one.ready_in_ms > 0)];
  const there = loaded - paths.length + seen.filter((one) => known.get(one.path)?.status !== 'loaded').length;
  return { paths, held, loaded, too_many: !run.allow_missing && paths.length > 0 && there * 2 < loaded };
}

/** @throws DataflowError E_SOURCE_GONE when most files are gone and nobody said that this is right. */
export function refuseMany(step: BronzeStep, snapshot: Snapshot | undefined, gone: GoneUnits): void {
  if (!gone.too_many) return;
  const some = gone.paths.slice(0, 3).join(', ');
  throw new DataflowError(
    'E_SOURCE_GONE',
    `${step.node.key}: ${gone.paths.length} of ${gone.loaded} loaded files are gone (${some}${gone.paths.length > 3 ? ', …' : ''})`,
    { kept: keptMessage(step, snapshot) },
  );
}

/** How the ledger remembers units whose rows go. */
export function removedRecords(step: BronzeStep, paths: readonly string[]): readonly InputRecord[] {
  if (paths.length === 0) return [];
  const gone = new Set(paths);
  return step.run.ledger
    .inputs(step.node.name)
    .filter((input) => gone.has(input.path))
    .map((input) => ({
      ...input,
      status: 'removed',
      run_id: step.run.run_id,
      reason: 'gone from its place: its rows were removed (on_missing: delete)',
    }));
}

/**
 * Loading anew replaces the table by what its files hold now: a loaded file that is left out would lose its rows without a word. It is left out
 * when its content was undone while an earlier one is loaded, or while somebody writes to it.
 * @throws DataflowError E_SCHEMA_CHANGED
 */
export function refuseLeftOut(
  step: BronzeStep,
  snapshot: Snapshot | undefined,
  loaded: readonly string[],
  intake: Intake,
): void {
  const taken = new Set([
    ...[...intake.accepted, ...intake.refused].map((one) => one.unit.path),
    ...intake.known.map((one) => one.path),
    ...intake.discovery.refused.map((one) => one.path),
  ]);
  const left = loaded.filter((path) => !taken.has(path));
  if (left.length === 0) return;
  const waiting = new Set(intake.discovery.waiting.map((one) => one.path));
  const [first = ''] = left;
  throw new DataflowError(
    'E_SCHEMA_CHANGED',
    `${step.node.key}: ${left.length} loaded files do not hold what is loaded of them (${left.slice(0, 3).join(', ')})`,
    {
      kept: keptMessage(step, snapshot),
      hint: waiting.has(first)
        ? 'Loading anew would lose their rows, since they are perhaps still being written: run again when they have settled.'
        : 'Their content was undone, and loading anew would lose the rows of the earlier one: bring that back, or take the undone one with --redo.',
    },
  );
}
