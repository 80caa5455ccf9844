import type { Landing, PullResult } from '../../core/ports/pulled-source.ts';
import type { CopiedRows } from './copy-rows.ts';
import { copyOut, type Relation } from './relation.ts';
import type { Session } from './session.ts';
import { UNIT_BYTES, UnitRows, unitLayout } from './units.ts';

/** Fewer blocks (of 8 KB) than this are not worth a connection more. */
const BLOCKS_A_RANGE = 1024;

/**
 * Takes a whole relation as one snapshot shows it. A plain table is read in ranges of blocks by several sessions that share the snapshot; their
 * rows go into units in the order in which they come.
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
  const units = new UnitRows(landing, unitLayout(relation));
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

/** Rows of all copies, as they come, into units. */
async function landAll(
  copies: readonly AsyncGenerator<CopiedRows, void, void>[],
  units: UnitRows,
): Promise<PullResult> {
  let landed = 0;
  let records = 0;
  const position = () => ({ snapshot_rows: records, units: landed });
  const next = (copy: AsyncGenerator<CopiedRows, void, void>) => copy.next().then((step) => ({ copy, step }));
  const waiting = new Map(copies.map((copy) => [copy, next(copy)]));
  while (waiting.size > 0) {
    const { copy, step } = await Promise.race(waiting.values());
    if (step.done === true) {
      waiting.delete(copy);
      continue;
    }
    const { bytes, starts } = step.value;
    waiting.set(copy, next(copy));
    records += starts.length - 1;
    await units.add(`rows-${String(landed + 1).padStart(8, '0')}`, bytes, starts.length - 1);
    if (units.unit_bytes < UNIT_BYTES) continue;
    landed += 1;
    await units.close(position());
  }
  landed += units.unit_records > 0 ? 1 : 0;
  await units.close(position());
  return { caught_up: true, position: position() };
}
