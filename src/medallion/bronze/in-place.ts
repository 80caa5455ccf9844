import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { InPlace, Inspection, Source } from '../../core/ports/source.ts';
import type { BronzeStep } from './step.ts';

/** The session of a step, opened when it is first asked for. */
export interface StepSession {
  open(): Promise<EngineSession>;
  /** What it offers to a source whose units stay where they are. */
  readonly in_place?: InPlace;
  close(): Promise<void>;
}

/** Units that need not be brought here are read by the engine that computes tables, where that works on other machines. */
export function stepSession({ run, node }: BronzeStep, source: Source): StepSession {
  const there = source.in_place === true && run.tables_elsewhere;
  const label = `${run.run_id}/${node.key}`;
  let opened: Promise<EngineSession> | undefined;
  const open = (): Promise<EngineSession> => {
    opened ??= there ? run.openTables(label) : run.openSession(label);
    return opened;
  };
  const digests: InPlace['digests'] = async (addresses) => {
    const session = await open();
    if (session.digests === undefined) throw new DataflowError('E_INTERNAL', 'this engine reads nothing in place');
    return session.digests(addresses);
  };
  return {
    open,
    ...(there ? { in_place: { digests } } : {}),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

/** Inspections of units that stay where they are, with the identity that only the engine can give them; it is asked once for all. */
export async function identified(
  inspections: readonly (Inspection | undefined)[],
  in_place: InPlace | undefined,
): Promise<readonly (Inspection | undefined)[]> {
  const addresses = inspections.flatMap((one) => one?.address ?? []);
  if (in_place === undefined || addresses.length === 0) return inspections;
  const digests = await in_place.digests(addresses);
  return inspections.map((one) => {
    if (one?.address === undefined) return one;
    const sha256 = digests.get(one.address);
    if (sha256 === undefined) throw new DataflowError('E_INTERNAL', `no digest came of ${one.address}`);
    return { ...one, sha256 };
  });
}
