import type {
  Landing,
  Position,
  PullContext,
  PulledSource,
  UnitEnd,
  UnitLayout,
  UnreadableRecord,
} from '../../src/core/ports/pulled-source.ts';

/** A sealed unit, held in memory. */
export interface HeldUnit extends UnitEnd {
  readonly name: string;
  readonly layout: UnitLayout;
  readonly bytes: Buffer;
  readonly unreadable: readonly UnreadableRecord[];
}

/** A landing that holds units in memory; it fails, as if the process had died, once `units_max` of them are sealed. */
export function heldLanding(units_max = Number.POSITIVE_INFINITY): {
  readonly landing: Landing;
  readonly units: HeldUnit[];
} {
  const units: HeldUnit[] = [];
  const landing: Landing = {
    open: async (name, layout) => {
      if (units.length >= units_max) throw new Error('killed');
      const parts: Buffer[] = [];
      const unreadable: UnreadableRecord[] = [];
      let open = true;
      return {
        write: async (bytes) => {
          parts.push(Buffer.from(bytes));
        },
        unreadable: (record) => {
          unreadable.push(record);
        },
        get size_bytes() {
          return parts.reduce((sum, part) => sum + part.length, 0);
        },
        close: async (end) => {
          if (!open) throw new Error('closed twice');
          open = false;
          units.push({ ...structuredClone(end), name, layout, bytes: Buffer.concat(parts), unreadable });
        },
        abandon: async () => {
          open = false;
        },
      };
    },
    raw: {
      put: async () => {
        throw new Error('not used');
      },
      find: async () => undefined,
      entries: async () => [],
      read: async () => new Uint8Array(),
      pieces: async function* () {},
    },
  };
  return { landing, units };
}

/** What a pull is told. */
export function pullContext(position: Position | undefined, more: Partial<PullContext> = {}): PullContext {
  return {
    name: 'source',
    root: '/',
    now_ms: Date.now(),
    signal: new AbortController().signal,
    temp_folder: '/nonexistent',
    position,
    expected: new Map(),
    limits: { records_max: 1_000_000, bytes_max: 1_000_000_000, wait_ms: 100 },
    from_raw: false,
    note: () => undefined,
    ...more,
  };
}

/** Random numbers that are the same for the same seed. */
export function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** All lines that a source lands until it is caught up, and where it stands then. */
export async function pullToEnd(
  source: PulledSource,
  from: Position | undefined,
  more: { readonly records_max?: number; readonly wait_ms?: number; readonly note?: (text: string) => void } = {},
): Promise<{ readonly lines: readonly string[]; readonly position: Position }> {
  const { records_max = 1_000_000, wait_ms = 100, note = () => undefined } = more;
  const limits = { records_max, bytes_max: 1_000_000_000, wait_ms };
  const lines: string[] = [];
  let position = from;
  for (let pull = 0; pull < 1000; pull += 1) {
    const { landing, units } = heldLanding();
    const result = await source.pull(landing, pullContext(position, { limits, note }));
    for (const unit of units) lines.push(...unit.bytes.toString().split('\n').slice(0, -1));
    // As it comes back from the commit.
    position = JSON.parse(JSON.stringify(result.position)) as Position;
    if (result.caught_up) return { lines, position };
  }
  throw new Error('never caught up');
}
