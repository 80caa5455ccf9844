import { join } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { OpenPull, SealedUnit } from '../core/ports/landing-place.ts';
import type { Position, PullResult, RawStore, UnitWriter } from '../core/ports/pulled-source.ts';
import { writeDurably } from '../kit/durable.ts';
import { faultPoint } from '../kit/fault.ts';
import { manifestText } from './manifest.ts';
import { SpaceWatch } from './space.ts';
import { openUnit } from './unit-writer.ts';

/** Names of the files of a unit: nine digits, so that they sort. */
export function unitBase(folder: string, number: number): string {
  return join(folder, String(number).padStart(9, '0'));
}

/** How a pull begins. */
export interface PullStart {
  /** Its own name. */
  readonly pull: string;
  readonly first_number: number;
  readonly position: Position | null;
  readonly sealed: ((unit: SealedUnit) => void) | undefined;
}

/**
 * A pull under way: units are sealed one after the other, each continuing the position of the one before. The next one may be written while the one before
 * it is made durable, which mostly waits for the disk.
 */
export function openPull(
  folder: string,
  raw: RawStore,
  { pull, first_number, position, sealed: tell }: PullStart,
): OpenPull {
  const units: SealedUnit[] = [];
  const space = new SpaceWatch(folder);
  let number = first_number;
  let follows = position;
  let open: UnitWriter | undefined;
  let sealing: Promise<unknown> = Promise.resolve();
  return {
    units,
    landing: {
      raw,
      open: async (name, layout) => {
        if (open !== undefined)
          throw new DataflowError('E_INTERNAL', `the unit ${name} was opened before the one before it was closed`);
        const own = number++;
        const before = sealing;
        const writer = await openUnit(unitBase(folder, own), layout, space, {
          closes: (sealed) => {
            open = undefined;
            sealing = sealed ?? sealing;
          },
          seal: async (sealed) => {
            await before;
            const unit: SealedUnit = { ...sealed, name, layout, pull, number: own, follows };
            await writeDurably(`${unitBase(folder, own)}.json`, manifestText(unit));
            faultPoint('landing-after-seal');
            units.push(unit);
            follows = unit.position;
            tell?.(unit);
          },
        });
        open = writer;
        return writer;
      },
    },
    abandon: async () => {
      await open?.abandon();
      await sealing.catch(() => undefined);
    },
    end: async (result: PullResult) => {
      await open?.abandon();
      await sealing;
      await writeDurably(join(folder, `${pull}.end.json`), `${JSON.stringify(result)}\n`);
      faultPoint('landing-after-end');
    },
  };
}
