import type { Landing, UnitEnd, UnitLayout, UnitWriter, UnreadableRecord } from '../../src/core/ports/pulled-source.ts';

/** A sealed unit. */
export interface MemoryUnit extends UnitEnd {
  readonly name: string;
  readonly layout: UnitLayout;
  readonly bytes: Buffer;
  readonly unreadable: readonly UnreadableRecord[];
}

/** A landing that keeps its units in memory, or only counts their bytes: for connectors under test without a lake. */
export class MemoryLanding implements Landing {
  readonly units: MemoryUnit[] = [];
  size_bytes = 0;
  /** Names of units that were removed before they were sealed. */
  readonly abandoned: string[] = [];
  readonly #keep: boolean;
  readonly #on_write: () => void;
  constructor(keep = true, on_write = () => {}) {
    this.#keep = keep;
    this.#on_write = on_write;
  }

  readonly raw: Landing['raw'] = {
    put: () => Promise.reject(new Error('nothing is kept raw here')),
    find: () => Promise.resolve(undefined),
    entries: () => Promise.resolve([]),
    read: () => Promise.reject(new Error('nothing is kept raw here')),
    pieces: () => {
      throw new Error('nothing is kept raw here');
    },
  };

  async open(name: string, layout: UnitLayout): Promise<UnitWriter> {
    if (this.units.some((unit) => unit.name === name)) throw new Error(`two units are named ${name}`);
    const pieces: Buffer[] = [];
    const unreadable: UnreadableRecord[] = [];
    let size = 0;
    const keep = this.#keep;
    return {
      get size_bytes() {
        return size;
      },
      write: async (bytes) => {
        size += bytes.length;
        this.size_bytes += bytes.length;
        this.#on_write();
        if (keep) pieces.push(Buffer.from(bytes));
      },
      unreadable: (record) => {
        unreadable.push(record);
      },
      close: async (end) => {
        this.units.push({ ...end, name, layout, bytes: Buffer.concat(pieces), unreadable });
      },
      abandon: async () => {
        this.abandoned.push(name);
      },
    };
  }

  /** All rows of the sealed units. */
  rows(): Record<string, unknown>[] {
    return this.units.flatMap((unit) =>
      unit.bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    );
  }
}
