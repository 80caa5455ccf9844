import { describe, expect, it } from 'vitest';
import type { LandingPlace } from '../../../core/ports/landing-place.ts';
import type { Position } from '../../../core/ports/pulled-source.ts';
import { recover } from './recover.ts';

/** Landed units, each from where to where it goes. */
function landed(...ways: readonly (readonly [Position | null, Position])[]): LandingPlace {
  const units = ways.map(([follows, position], index) => ({ name: `u${index}`, pull: 'p', follows, position }));
  return { landed: async () => ({ units, ended: new Map() }) } as unknown as LandingPlace;
}

const at = (n: number): Position => ({ n });
const names = async (place: LandingPlace, position: Position | null, in_part?: boolean) =>
  (await recover(place, position, { pulls: 'changes' }, in_part))?.units.map((unit) => unit.name);

describe('landed units', () => {
  it('are used as far as they go on from the position', async () => {
    const place = landed([null, at(1)], [at(1), at(2)], [at(3), at(4)]);
    expect(await names(place, null)).toEqual(['u0', 'u1']);
    expect(await names(place, at(1))).toBeUndefined();
  });

  it('that end where they began are not used: they may be in the table already', async () => {
    const place = landed([at(1), at(1)]);
    expect(await names(place, at(1))).toBeUndefined();
    // Also behind others: what was not committed is asked for again from the same position.
    expect(await names(landed([null, at(1)], [at(1), at(1)], [at(1), at(2)]), null)).toEqual(['u0']);
  });
});
