import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Column } from '../../core/model/table.ts';
import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type {
  Landing,
  Outlook,
  Position,
  PullContext,
  PulledSource,
  PullResult,
  UnitWriter,
} from '../../core/ports/pulled-source.ts';
import type { PulledSourceComponent } from '../../core/ports/source-component.ts';
import { draw, FAKE_COLUMNS, recordJson } from './record.ts';

const describe = (description: string, ...samples: unknown[]) =>
  z.meta({ description, ...(samples.length > 0 ? { samples } : {}) });

const schema = z.strictObject({
  rows: z.optional(
    z
      .int()
      .check(
        z.minimum(0),
        z.maximum(1_000_000_000_000),
        describe('How many records there are. Default: 1000; with `rate`, no end.', 1000),
      ),
  ),
  rate: z.optional(
    z
      .number()
      .check(
        z.gt(0),
        z.lte(10_000_000),
        describe('Records per second that come into being from the first run on. Default: all are there at once.', 100),
      ),
  ),
  seed: z._default(z.int().check(describe('Another number makes other values.')), 1),
  faults: z._default(
    z
      .number()
      .check(
        z.gte(0),
        z.lte(1),
        describe(
          'Share of records that are broken on purpose: half of them are no JSON, half have a wrong type.',
          0.01,
        ),
      ),
    0,
  ),
  unit_records: z._default(
    z.int().check(z.minimum(1), z.maximum(10_000_000), describe('Records of one landed unit at most.')),
    100_000,
  ),
});

type FakeOptions = z.output<typeof schema>;

/** Records that are made by their number: `type: fake`. */
export const component: PulledSourceComponent<FakeOptions> = {
  type: 'fake',
  summary:
    'Made-up records, all at once or so many per second: a stream to try things with, where nothing else is at hand.',
  schema,
  open: (options) => fakeSource(options),
};

/** Where the source stands: the next record, and when the first one came into being. */
interface FakePosition {
  readonly next: number;
  readonly started_ms: number;
}

const ROWS = 1000;
/** Records that are written at a time. */
const CHUNK_RECORDS = 1000;
/** All records of a source without `rate` were made at this instant. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

function fakeSource(options: FakeOptions): PulledSource {
  return {
    pulls: 'changes',
    asks: `seed ${options.seed}`,
    columns: async () => FAKE_COLUMNS,
    look: async (context) => look(options, context),
    pull: (landing, context) => pull(options, landing, context),
    probe: async () => ({ ok: true, words: 'made on the spot' }),
    close: async () => undefined,
  };
}

function standing({ position, now_ms }: PullContext): FakePosition {
  const { next, started_ms } = (position ?? {}) as Partial<FakePosition>;
  return { next: next ?? 0, started_ms: started_ms ?? now_ms };
}

/** Number of records that there are at a moment. */
function madeUntil({ rows, rate }: FakeOptions, { started_ms }: FakePosition, now_ms: number): number {
  if (rate === undefined) return rows ?? ROWS;
  return Math.min(rows ?? Number.MAX_SAFE_INTEGER, Math.max(0, Math.floor(((now_ms - started_ms) / 1000) * rate)));
}

function madeAt({ rate }: FakeOptions, { started_ms }: FakePosition, record: number): number {
  return rate === undefined ? EPOCH_MS + record : started_ms + Math.floor((record / rate) * 1000);
}

function look(options: FakeOptions, context: PullContext): Outlook {
  if (context.position === undefined && options.rate !== undefined)
    return { pending: 'some', words: `never asked; makes ${options.rate} records a second from then on` };
  const at = standing(context);
  const records = Math.max(0, madeUntil(options, at, context.now_ms) - at.next);
  if (records === 0) return { pending: 'none', records, words: 'no new records' };
  const oldest_ms = Math.max(0, context.now_ms - madeAt(options, at, at.next));
  const words = `${records.toLocaleString('en-GB')} new ${records === 1 ? 'record' : 'records'}`;
  return { pending: 'some', records, words, ...(options.rate === undefined ? {} : { oldest_ms }) };
}

async function pull(options: FakeOptions, landing: Landing, context: PullContext): Promise<PullResult> {
  const { limits, signal } = context;
  const begin = standing(context);
  const waiting = Date.now() + (options.rate === undefined ? 0 : limits.wait_ms);
  const full = (): boolean => madeUntil(options, begin, Date.now()) - begin.next >= limits.records_max;
  if (madeUntil(options, begin, Date.now()) > begin.next || context.position === undefined)
    while (!full() && Date.now() < waiting)
      await sleep(Math.max(1, Math.min(50, waiting - Date.now())), undefined, { signal });
  const made = madeUntil(options, begin, Date.now());
  const end = Math.min(made, begin.next + limits.records_max);
  let next = begin.next;
  let bytes = 0;
  while (next < end && bytes < limits.bytes_max) {
    signal.throwIfAborted();
    const stop = Math.min(end, next + options.unit_records);
    const unit = await landing.open(`0-${next}`, { format: 'ndjson' });
    const reached = await writeUnit(options, context, begin, unit, next, stop, limits.bytes_max - bytes);
    bytes += unit.size_bytes;
    await unit.close({
      ...reached.counts,
      position: at(begin, reached.next),
      spans: [{ stream: `${context.name}/0`, from: next, next: reached.next, holes: 0, records: reached.next - next }],
    });
    next = reached.next;
  }
  return { caught_up: next >= made, position: at(begin, next) };
}

function at({ started_ms }: FakePosition, next: number): Position {
  return { next, started_ms };
}

async function writeUnit(
  options: FakeOptions,
  context: PullContext,
  begin: FakePosition,
  unit: UnitWriter,
  from: number,
  stop: number,
  bytes_max: number,
): Promise<{ readonly next: number; readonly counts: { readonly records: number } }> {
  const columns = (context.columns ?? FAKE_COLUMNS).filter((column) => column.name !== SOURCE_FILE_COLUMN);
  let next = from;
  let records = 0;
  while (next < stop && unit.size_bytes < bytes_max) {
    context.signal.throwIfAborted();
    const lines: string[] = [];
    for (const last = Math.min(stop, next + CHUNK_RECORDS); next < last; next++) {
      const line = recordJson(columns, options.seed, next, madeAt(options, begin, next));
      const kind = faultOf(options, next);
      if (kind === 'poison') {
        const where = `${context.name}/0 offset ${next}`;
        unit.unreadable({ rule: 'poison_message', reason: 'not JSON', where, raw: line.slice(0, -1) });
      } else {
        lines.push(`${kind === 'type' ? withWrongType(columns, line) : line}\n`);
        records += 1;
      }
    }
    await unit.write(Buffer.from(lines.join('')));
  }
  return { next, counts: { records } };
}

function faultOf({ faults, seed }: FakeOptions, record: number): 'poison' | 'type' | undefined {
  if (faults === 0) return undefined;
  const bits = draw(seed, record, -1);
  if (bits / 4294967296 >= faults) return undefined;
  return bits % 2 === 0 ? 'poison' : 'type';
}

/** A text where the last column that is no text wants something else. */
function withWrongType(columns: readonly Column[], line: string): string {
  const column = columns.findLast((one) => !['varchar', 'json', 'blob'].includes(one.type));
  if (column === undefined) return line;
  const value = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ ...value, [column.name]: 'broken on purpose' });
}
