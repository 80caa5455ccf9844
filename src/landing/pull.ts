import { join } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { OpenPull, SealedUnit } from '../core/ports/landing-place.ts';
import type {
  Position,
  PullResult,
  RawStore,
  UnitEnd,
  UnitLayout,
  UnitWriter,
  UnreadableRecord,
} from '../core/ports/pulled-source.ts';
import { writeDurably } from '../kit/durable.ts';
import { faultPoint } from '../kit/fault.ts';
import { manifestText } from './manifest.ts';
import { UnitFile } from './unit-file.ts';

export const ENDINGS = { ndjson: 'ndjson', csv: 'csv', parquet: 'parquet' } as const;

/** Names of the files of a unit: nine digits, so that they sort. */
export function unitBase(folder: string, number: number): string {
  return join(folder, String(number).padStart(9, '0'));
}

/** A pull under way: units are sealed one after the other, each continuing the position of the one before. */
export function openPull(
  folder: string,
  raw: RawStore,
  pull: string,
  first_number: number,
  position: Position | null,
): OpenPull {
  const units: SealedUnit[] = [];
  let number = first_number;
  let follows = position;
  let open: UnitWriter | undefined;
  return {
    units,
    landing: {
      raw,
      open: async (name, layout) => {
        if (open !== undefined)
          throw new DataflowError('E_INTERNAL', `the unit ${name} was opened before the one before it was closed`);
        const writer = await openUnit(unitBase(folder, number), layout, {
          seal: async (sealed) => {
            const unit: SealedUnit = { ...sealed, name, layout, pull, number, follows };
            const { uri: _, unreadable_uri: __, number: ___, ...manifest } = unit;
            await writeDurably(`${unitBase(folder, number)}.json`, manifestText(manifest));
            faultPoint('landing-after-seal');
            units.push(unit);
            follows = unit.position;
            number += 1;
          },
          done: () => {
            open = undefined;
          },
        });
        open = writer;
        return writer;
      },
    },
    end: async (result: PullResult) => {
      await open?.abandon();
      await writeDurably(join(folder, `${pull}.end.json`), `${JSON.stringify(result)}\n`);
      faultPoint('landing-after-end');
    },
  };
}

type Sealed = Omit<SealedUnit, 'name' | 'layout' | 'pull' | 'number' | 'follows'>;

/** More text of unreadable records than this is written out. */
const UNREADABLE_CHARS_MAX = 1_000_000;

async function openUnit(
  base: string,
  layout: UnitLayout,
  to: { seal(sealed: Sealed): Promise<void>; done(): void },
): Promise<UnitWriter> {
  const file = await UnitFile.create(`${base}.${ENDINGS[layout.format]}`);
  let bad: UnitFile | undefined;
  let lines: string[] = [];
  let chars = 0;
  let unreadable = 0;
  let closed = false;
  let fail: unknown;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    const text = lines.join('');
    [lines, chars] = [[], 0];
    if (text === '') return;
    bad ??= await UnitFile.create(`${base}.unreadable.ndjson`);
    await bad.write(Buffer.from(text));
  };
  const stillOpen = (): void => {
    if (closed) throw new DataflowError('E_INTERNAL', 'a landed unit was written to after it was closed');
  };
  return {
    get size_bytes() {
      return file.size_bytes;
    },
    write: async (bytes) => {
      stillOpen();
      await writing;
      if (fail !== undefined) throw fail;
      await file.write(bytes);
    },
    unreadable: (record: UnreadableRecord) => {
      stillOpen();
      const { rule, reason, where: place, raw } = record;
      const line = `${JSON.stringify({ rule, reason, place, raw })}\n`;
      lines.push(line);
      chars += line.length;
      unreadable += 1;
      if (chars < UNREADABLE_CHARS_MAX) return;
      writing = writing.then(flush).catch((error: unknown) => {
        fail = error;
      });
    },
    close: async (end: UnitEnd) => {
      stillOpen();
      closed = true;
      await writing;
      await flush();
      if (fail !== undefined) throw fail;
      const { sha256, size_bytes } = await file.seal();
      const rest = bad === undefined ? undefined : await bad.seal();
      faultPoint('landing-before-manifest');
      await to.seal({
        uri: file.path,
        size_bytes,
        sha256,
        records: end.records,
        unreadable,
        ...(rest === undefined || bad === undefined ? {} : { unreadable_uri: bad.path }),
        position: end.position,
        spans: end.spans ?? [],
        raw: end.raw ?? [],
      });
      to.done();
    },
    abandon: async () => {
      if (closed) return;
      closed = true;
      await writing;
      await file.abandon();
      await bad?.abandon();
      to.done();
    },
  };
}
