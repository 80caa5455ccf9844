import type { Landing, PullResult } from '../../core/ports/pulled-source.ts';
import type { CopiedRows } from './copy-rows.ts';
import { copyOut, type Relation } from './relation.ts';
import type { Session } from './session.ts';
import { UnitRows, unitName } from './units.ts';

/** Smaller than those of a cursor, because each range gathers one in memory. */
const UNIT_BYTES = 16 * 1024 * 1024;
/** Fewer blocks (of 8 KB) than this are not worth a connection more. */
const BLOCKS_A_RANGE = 1024;

/**
 * Takes a whole relation as one snapshot shows it. A plain table is read in ranges of blocks by several sessions that share the snapshot.
 * @param more opens a session in the snapshot of the first.
 */
export async function pullSnapshot(
  session: Session,
  relation: Relation,
  parallel: number,
  more: (snapshot: string) => Promise<Session>,
  landing: Landing,
): Promise<PullResult> {
  const ranges = rangesOf(relation, parallel);
  const sessions = [session];
  const units = new UnitRows(landing, relation);
  try {
    if (ranges.length > 1) {
      const [exported] = await session.rows('select pg_export_snapshot() as snapshot');
      const snapshot = exported?.['snapshot'] ?? '';
      while (sessions.length < ranges.length) sessions.push(await more(snapshot));
    }
    const copies = ranges.map((range, index) => (sessions[index] ?? session).copy(copyOf(relation, range)));
    return await landAll(copies, units);
  } catch (error) {
    await units.abandon();
    throw error;
  } finally {
    await Promise.all(sessions.slice(1).map((other) => other.close()));
  }
}

/** A range of blocks: `from` up to, but without, `next`; open at the ends. */
interface Range {
  readonly from?: number;
  readonly next?: number;
}

function rangesOf({ table }: Relation, parallel: number): readonly Range[] {
  const blocks = table?.blocks ?? 0;
  const count = Math.max(1, Math.min(parallel, Math.floor(blocks / BLOCKS_A_RANGE)));
  const border = (index: number): number => Math.floor((blocks * index) / count);
  return Array.from({ length: count }, (_, index) => ({
    ...(index === 0 ? {} : { from: border(index) }),
    ...(index === count - 1 ? {} : { next: border(index + 1) }),
  }));
}

function copyOf(relation: Relation, { from, next }: Range): string {
  const [lone] = relation.columns.length === 1 ? relation.columns : [];
  const columns = relation.columns.map((column) => column.expression).join(', ');
  const bounds = [
    ...(from === undefined ? [] : [`t.ctid >= '(${from},0)'::tid`]),
    ...(next === undefined ? [] : [`t.ctid < '(${next},0)'::tid`]),
  ];
  const where = bounds.length === 0 ? '' : ` where ${bounds.join(' and ')}`;
  if (lone === undefined) return copyOut(`select ${columns} from ${relation.from}${where}`);
  return copyOut(`select ${columns} as "v" from ${relation.from}${where}`, 'v');
}

/** Rows of one range that become one unit. */
interface Stretch {
  readonly chunks: readonly Buffer[];
  readonly records: number;
  readonly multiline: boolean;
}

/** The rows of a copy in stretches that end at the first row beyond a size: the same rows make the same stretches. */
async function* stretchesOf(copy: AsyncGenerator<CopiedRows, void, void>): AsyncGenerator<Stretch, void, void> {
  let chunks: Buffer[] = [];
  let [records, size, spans] = [0, 0, false];
  for await (const { bytes, starts, multiline } of copy) {
    let from = 0;
    spans ||= multiline;
    for (;;) {
      const before = starts[from] ?? 0;
      // Most chunks end no unit: they are not walked through.
      const fits = size + (starts.at(-1) ?? 0) - before < UNIT_BYTES;
      const over = fits ? -1 : starts.findIndex((start, index) => index > from && size + start - before >= UNIT_BYTES);
      const to = over < 0 ? starts.length - 1 : over;
      const part = bytes.subarray(starts[from], starts[to]);
      chunks.push(part);
      size += part.length;
      records += to - from;
      from = to;
      if (over < 0) break;
      yield { chunks, records, multiline: spans };
      chunks = [];
      [records, size, spans] = [0, 0, multiline];
    }
  }
  if (records > 0) yield { chunks, records, multiline: spans };
}

/**
 * A unit of each range in turn: while one is written, the others gather theirs. So an unchanged table makes the same units again, whatever came
 * first, and is known as unchanged.
 */
async function landAll(
  copies: readonly AsyncGenerator<CopiedRows, void, void>[],
  units: UnitRows,
): Promise<PullResult> {
  let [landed, records] = [0, 0];
  const position = () => ({ snapshot_rows: records, units: landed });
  const begin = (stretches: AsyncGenerator<Stretch, void, void>) => {
    const next = stretches.next();
    next.catch(() => undefined); // told when its turn comes
    return { stretches, next };
  };
  let ranges = copies.map((copy) => begin(stretchesOf(copy)));
  while (ranges.length > 0) {
    const going: typeof ranges = [];
    for (const { stretches, next } of ranges) {
      const step = await next;
      if (step.done === true) continue;
      going.push(begin(stretches));
      const { chunks, records: count, multiline } = step.value;
      if (multiline) units.span();
      records += count;
      landed += 1;
      for (const [index, chunk] of chunks.entries()) await units.add(unitName(landed), chunk, index === 0 ? count : 0);
      await units.close(position());
    }
    ranges = going;
  }
  return { caught_up: true, position: position() };
}
