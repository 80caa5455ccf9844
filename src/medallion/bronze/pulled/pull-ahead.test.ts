import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LandingPlace, SealedUnit } from '../../../core/ports/landing-place.ts';
import type { Landing, PullContext, PulledSource, PullResult } from '../../../core/ports/pulled-source.ts';
import { openLandingPlace } from '../../../landing/open-landing.ts';
import type { EarlyUnits } from './early-units.ts';
import { PullAhead } from './pull-ahead.ts';
import type { Pulling } from './pulling.ts';
import type { Standing } from './standing.ts';

const BEFORE: Standing = {
  sequence: 1,
  position: { n: 5 },
  committed: { n: 5 },
  content: undefined,
  expected: new Map([['s', 5]]),
};

let root: string;
let place: LandingPlace;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-ahead-'));
  place = openLandingPlace({ state_folder: root, source: 's', inspectors: {} as never });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What stands in the way of the unit that comes next. */
type Gate = (n: number, signal: AbortSignal) => Promise<void>;

/** Pulls three units behind the ten records of the batch before. */
function ahead(gate: Gate): PullAhead {
  const source = {
    pulls: 'changes',
    pull: async (landing: Landing, { position, signal }: PullContext): Promise<PullResult> => {
      for (let n = 1; n <= 3; n++) {
        await gate(n, signal);
        const unit = await landing.open(`u${n}`, { format: 'ndjson' });
        await unit.write(Buffer.from('{"a":1}\n'));
        await unit.close({ records: 1, position: { n: Number(position?.['n']) + n } });
      }
      return { caught_up: true, position: { n: Number(position?.['n']) + 3 } };
    },
  } as unknown as PulledSource;
  const run = { project: { root }, signal: new AbortController().signal, redact: (text: string) => text };
  const step = { run, node: { name: 's', spec: {} } };
  const spans = [{ stream: 's', from: 5, next: 10, holes: 0, records: 5 }];
  const pulled = { units: [{ spans } as unknown as SealedUnit], result: { caught_up: false, position: { n: 10 } } };
  return new PullAhead({ step, source, place } as unknown as Pulling, pulled, BEFORE, undefined);
}

/** Notes what it is given. */
function listener() {
  const heard: string[] = [];
  const early = { take: (unit: SealedUnit) => heard.push(unit.name), end: async () => heard.push('end') };
  return { heard, early: early as unknown as EarlyUnits };
}

describe('a batch that is pulled ahead', () => {
  it('hands over what is sealed when its turn comes, then the rest, in order', async () => {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const next = await new Promise<PullAhead>((reached) => {
      const pulling = ahead(async (n) => {
        if (n < 3) return;
        reached(pulling);
        await opened;
      });
    });
    const { heard, early } = listener();
    const result = next.result(early);
    expect(heard).toEqual(['u1', 'u2']);
    open();
    const { units } = await result;
    expect(heard).toEqual(['u1', 'u2', 'u3']);
    expect(units.map(({ follows, position }) => [follows, position])).toEqual([
      [{ n: 10 }, { n: 11 }],
      [{ n: 11 }, { n: 12 }],
      [{ n: 12 }, { n: 13 }],
    ]);
  });

  it('is used only where the table stands at its beginning, by position and by number', async () => {
    const next = ahead(async () => undefined);
    const there = { ...BEFORE, position: { n: 10 }, expected: new Map([['s', 10]]) };
    expect(next.continues(there)).toBe(true);
    expect(next.continues({ ...there, position: { n: 9 } })).toBe(false);
    expect(next.continues({ ...there, expected: new Map([['s', 9]]) })).toBe(false);
    expect(next.continues({ ...there, expected: new Map() })).toBe(false);
    await next.stop();
  });

  it('says what went wrong when its turn comes, and keeps what was sealed', async () => {
    const next = ahead(async (n) => {
      if (n === 2) throw new Error('the system is gone');
    });
    const { heard, early } = listener();
    await expect(next.result(early)).rejects.toThrow('the system is gone');
    expect(heard.at(-1)).toBe('end');
    expect((await place.landed()).units.map(({ name }) => name)).toEqual(['u1']);
  });

  it('ends when it is told to, and keeps what was sealed', async () => {
    const next = await new Promise<PullAhead>((reached) => {
      const pulling = ahead(async (n, signal) => {
        if (n < 2) return;
        reached(pulling);
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      });
    });
    await next.stop();
    expect((await place.landed()).units.map(({ name }) => name)).toEqual(['u1']);
  });
});
