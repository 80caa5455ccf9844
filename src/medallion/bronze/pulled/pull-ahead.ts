import type { Column } from '../../../core/model/table.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import type { EarlyUnits } from './early-units.ts';
import { type Pulled, pullInto } from './pull-units.ts';
import { type Pulling, positionText } from './pulling.ts';
import type { Standing } from './standing.ts';

/** The batch behind `before`, where the source can be asked for it and has more. A redo goes by what its commits say. */
export function pullAhead(
  pulling: Pulling,
  before: Pulled,
  standing: Standing,
  columns: readonly Column[] | undefined,
): PullAhead | undefined {
  const { source, step } = pulling;
  if (source.pulls_ahead !== true || before.result.caught_up || step.run.redo) return undefined;
  return new PullAhead(pulling, before, standing, columns);
}

/**
 * The next batch, pulled while the one before it is published: it begins where that one ends, and is used only if the table then stands there. Its units
 * wait in the landing place like those of a run that was stopped; one batch at most is ahead.
 */
export class PullAhead {
  readonly #standing: Standing;
  readonly #stopping = new AbortController();
  readonly #work: Promise<Pulled>;
  #early: EarlyUnits | undefined;
  #waiting: SealedUnit[] = [];

  /** @param standing where the batch before was asked from @param columns those that it was asked for */
  constructor(pulling: Pulling, before: Pulled, standing: Standing, columns: readonly Column[] | undefined) {
    const { position } = before.result;
    const spans = before.units.flatMap((unit) => unit.spans);
    const expected = new Map([...standing.expected, ...spans.map(({ stream, next }) => [stream, next] as const)]);
    this.#standing = { ...standing, position, committed: position, expected };
    this.#work = pullInto(pulling, this.#standing, {
      columns,
      signal: AbortSignal.any([pulling.step.run.signal, this.#stopping.signal]),
      sealed: (unit) => this.#sealed(unit),
    });
    // Its failure is met when its turn comes.
    this.#work.catch(() => undefined);
  }

  #sealed(unit: SealedUnit): void {
    if (this.#early === undefined) this.#waiting.push(unit);
    else this.#early.take(unit);
  }

  /** Whether the batch goes on from there. */
  continues({ position, expected }: Standing): boolean {
    const same = positionText(position) === positionText(this.#standing.position);
    return same && [...this.#standing.expected].every(([stream, next]) => expected.get(stream) === next);
  }

  /** What came, once its turn has come. @param early takes the units, those that are sealed already first */
  async result(early: EarlyUnits): Promise<Pulled> {
    this.#early = early;
    for (const unit of this.#waiting.splice(0)) early.take(unit);
    try {
      return await this.#work;
    } catch (error) {
      await early.end();
      throw error;
    }
  }

  /** Ends it; units that are sealed stay where they are. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#work.catch(() => undefined);
  }
}
