import type { Column } from '../../../core/model/table.ts';
import type { OpenPull, SealedUnit } from '../../../core/ports/landing-place.ts';
import type { Landing, Position, PullContext, PullResult } from '../../../core/ports/pulled-source.ts';
import { faultPoint } from '../../../kit/fault.ts';
import type { EarlyUnits } from './early-units.ts';
import { type Pulling, positionText, pullContext } from './pulling.ts';
import type { Recovered } from './recover.ts';
import type { Standing } from './standing.ts';

/** What one question brought. */
export interface Pulled {
  readonly units: readonly SealedUnit[];
  readonly result: PullResult;
}

/** Asks for what is new, once. */
export async function pull(
  pulling: Pulling,
  standing: Standing,
  columns: readonly Column[] | undefined,
  early: EarlyUnits,
): Promise<Pulled> {
  const { signal } = pulling.step.run;
  return await pullInto(pulling, standing, { columns, signal, sealed: (unit) => early.take(unit) }, early);
}

/** The same; `sealed` is told of each unit. */
export async function pullInto(
  { step, source, place }: Pulling,
  standing: Standing,
  how: {
    readonly columns: readonly Column[] | undefined;
    readonly signal: AbortSignal;
    readonly sealed: (unit: SealedUnit) => void;
  },
  early?: EarlyUnits,
): Promise<Pulled> {
  const { columns, signal, sealed } = how;
  const open = await place.begin(standing.position, sealed);
  const context = { ...pullContext(step.run, step.node, standing, { columns }), signal };
  const result = await ask({ step, source }, open, context, early);
  faultPoint('after-pull');
  return { units: open.units, result };
}

/** What was sealed before a failure stays for the next run; the unit that was open goes. */
async function ask(
  { step, source }: Pick<Pulling, 'step' | 'source'>,
  open: OpenPull,
  context: PullContext,
  early: EarlyUnits | undefined,
): Promise<PullResult> {
  try {
    return await source.pull(counted(open.landing, step), context);
  } catch (error) {
    await open.abandon().catch(() => undefined);
    await early?.end();
    throw error;
  }
}

/** The same place; what comes in is told. */
function counted(landing: Landing, { run, node }: Pulling['step']): Landing {
  const { took } = run;
  if (took === undefined) return landing;
  const tell = (rows: number, bytes: number): void => took(node.key, { doing: 'pulling', rows, bytes });
  return {
    raw: landing.raw,
    open: async (name, layout) => {
      const writer = await landing.open(name, layout);
      return {
        get size_bytes() {
          return writer.size_bytes;
        },
        write: (bytes) => {
          tell(0, bytes.length);
          return writer.write(bytes);
        },
        unreadable: (record) => writer.unreadable(record),
        close: (end) => {
          tell(end.records, 0);
          return writer.close(end);
        },
        abandon: () => writer.abandon(),
      };
    },
  };
}

/** Everything that a source has. */
export interface Whole {
  readonly units: readonly SealedUnit[];
  readonly position: Position;
  readonly unchanged?: boolean;
}

/** Asks until the source has no more. `begun`: what an earlier run landed of it. */
export async function pullAll(
  { step, source, place }: Pulling,
  standing: Standing,
  how: {
    readonly columns: readonly Column[] | undefined;
    readonly from_raw: boolean;
    readonly begun: Recovered | undefined;
    readonly early: EarlyUnits | undefined;
  },
): Promise<Whole> {
  const { columns, from_raw, begun, early } = how;
  let at = begun === undefined ? standing : { ...standing, position: begun.position };
  const open = await place.begin(at.position, (unit) => early?.take(unit));
  for (;;) {
    step.run.signal.throwIfAborted();
    const result = await ask(
      { step, source },
      open,
      pullContext(step.run, step.node, at, { columns, from_raw }),
      early,
    );
    const stuck = positionText(result.position) === positionText(at.position);
    if (result.caught_up || result.unchanged === true || stuck) {
      // What was interrupted never counts as everything, whatever the source says.
      step.run.signal.throwIfAborted();
      await open.end(result);
      faultPoint('after-pull');
      return {
        units: [...(begun?.units ?? []), ...open.units],
        position: result.position,
        ...(result.unchanged === true ? { unchanged: true } : {}),
      };
    }
    const expected = new Map(at.expected);
    for (const span of open.units.flatMap((unit) => unit.spans)) expected.set(span.stream, span.next);
    at = { ...at, position: result.position, expected };
  }
}
