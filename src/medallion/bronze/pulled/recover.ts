import type { LandingPlace, SealedUnit } from '../../../core/ports/landing-place.ts';
import type { Position, PulledSource } from '../../../core/ports/pulled-source.ts';
import { asksOther } from './one-question.ts';
import { positionText } from './pulling.ts';

/** What an earlier run landed and this one may use. */
export interface Recovered {
  readonly units: readonly SealedUnit[];
  readonly position: Position;
  /** The pull that they belong to came to its end. */
  readonly whole: boolean;
}

/**
 * Units that an earlier run sealed and did not commit, as far as they go on from the position of the table: nobody is asked for them again. The
 * others belong to a position that no longer counts. A unit of changes that ends where it began cannot be told from one that was committed already: it
 * is asked for again. Of a snapshot all or nothing is used: a part of it is no state that ever was.
 */
export async function recover(
  place: LandingPlace,
  position: Position | null,
  source: Pick<PulledSource, 'pulls' | 'asks'>,
  in_part = source.pulls === 'changes',
): Promise<Recovered | undefined> {
  const { units, ended } = await place.landed();
  const usable: SealedUnit[] = [];
  let at = positionText(position);
  const moves = source.pulls === 'changes';
  for (const unit of units) {
    if (positionText(unit.follows) !== at || asksOther(source, unit.position)) break;
    const next = positionText(unit.position);
    if (moves && next === at) break;
    usable.push(unit);
    at = next;
  }
  const last = usable.at(-1);
  if (last === undefined) return undefined;
  const end = ended.get(last.pull);
  const whole = end !== undefined && usable.length === units.length;
  const one = usable.every((unit) => unit.pull === last.pull);
  if (!in_part && !(whole && one)) return undefined;
  return { units: usable, position: whole ? end.position : last.position, whole };
}
