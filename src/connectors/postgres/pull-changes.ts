import type { Landing, PullContext, PullResult } from '../../core/ports/pulled-source.ts';
import { TAKEN_ROWS_MAX, TakenRows } from '../../kit/taken-rows.ts';
import { beginRound, type ChangesPlan, horizonOf, orderColumns, sectionCopy } from './changes-plan.ts';
import type { CopiedRows } from './copy-rows.ts';
import { fieldsOf } from './csv-record.ts';
import { isNewRow, rowOf } from './flagged-row.ts';
import { type ChangesPosition, changesPosition, type Horizon, type Round, toPosition } from './position.ts';
import type { Session } from './session.ts';
import { UNIT_BYTES, UnitRows, unitName } from './units.ts';

/**
 * Takes what is new by cursor, in units of which each knows where the next begins. A round goes up to the highest cursor at its start; one that
 * was stopped is ended by a later pull, whose snapshot is another: what was committed behind its back lies in the overlap of the next round.
 */
export async function pullChanges(
  session: Session,
  plan: ChangesPlan,
  landing: Landing,
  context: PullContext,
): Promise<PullResult> {
  const last = changesPosition(context.position);
  const { horizon, lost } = await horizonOf(session, plan, last);
  if (lost)
    context.note(
      `${plan.relation.name}: the server was restored or another one took over; rows of the overlap come a second time, once, and the key of silver keeps one`,
    );
  const round = last.round ?? (await beginRound(session, plan, last, context.note));
  const walk = new RoundWalk(plan, last, round, horizon, new UnitRows(landing, plan.relation), context);
  try {
    return await walk.run(session);
  } catch (error) {
    await walk.abandon();
    throw error;
  }
}

/** One pull's way through a round. */
class RoundWalk {
  private readonly plan: ChangesPlan;
  private readonly last: ChangesPosition;
  private readonly before: Horizon | null;
  private readonly units: UnitRows;
  private readonly context: PullContext;
  private readonly met: TakenRows;
  private readonly remembered: TakenRows;
  private round: Round;
  private landed: number;
  private records = 0;
  private bytes = 0;

  constructor(
    plan: ChangesPlan,
    last: ChangesPosition,
    round: Round,
    before: Horizon | null,
    units: UnitRows,
    context: PullContext,
  ) {
    this.plan = plan;
    this.last = last;
    this.round = round;
    this.before = before;
    this.units = units;
    this.context = context;
    this.met = TakenRows.from(last.taken);
    this.remembered = TakenRows.from(round.taken);
    this.landed = last.units;
  }

  async run(session: Session): Promise<PullResult> {
    const { last, context } = this;
    while (this.round.section === 'strays' || this.round.section === 'line') {
      if (this.full || !(await this.section(session))) return this.result(false);
      if (this.round.section === 'line') break;
      await this.seal();
      this.round = { ...this.round, section: 'line', after: null };
    }
    const end = this.ended();
    if (this.units.unit_records > 0) {
      this.landed += 1;
      await this.units.close(toPosition({ ...end, units: this.landed }));
    } else if (this.records === 0 && last.round === null && last.rounds > 0) {
      return { caught_up: true, position: context.position ?? toPosition(last) }; // nothing was new: it stands where it stood
    }
    // The end of a round that an earlier pull began says nothing of this moment.
    return { caught_up: last.round === null, position: toPosition({ ...end, units: this.landed }) };
  }

  async abandon(): Promise<void> {
    await this.units.abandon();
  }

  /** False: there is more of it than this pull may take. */
  private async section(session: Session): Promise<boolean> {
    const { plan, last, before } = this;
    // Rows that are met again do not count; a few more may be read for them.
    const again = this.met.size + (before === null ? 0 : TAKEN_ROWS_MAX);
    const rows_max = this.context.limits.records_max - this.records + again;
    let seen = 0;
    let previous: Buffer | undefined;
    for await (const rows of session.copy(sectionCopy(plan, last, this.round, before, rows_max))) {
      const end = await this.take(rows, previous);
      if (end !== undefined) return false;
      seen += rows.starts.length - 1;
      previous = lastOf(rows);
    }
    if (previous !== undefined) this.round = { ...this.round, after: this.orderOf(previous) };
    if (seen < rows_max) return true;
    await this.seal();
    return false;
  }

  /** The rows of one chunk. Answers with the number of the row before which the pull has to end. */
  private async take(rows: CopiedRows, previous: Buffer | undefined): Promise<number | undefined> {
    for (let at = 0; at + 1 < rows.starts.length; at += 1) {
      const record = rows.bytes.subarray(rows.starts[at], rows.starts[at + 1]);
      if (this.full || this.units.unit_bytes >= UNIT_BYTES) {
        const ahead = at === 0 ? previous : rows.bytes.subarray(rows.starts[at - 1], rows.starts[at]);
        if (ahead !== undefined && !this.sameOrder(ahead, record)) {
          this.round = { ...this.round, after: this.orderOf(ahead) };
          await this.seal();
          if (this.full) return at;
        }
      }
      if (rows.multiline) this.units.span();
      const blocked = this.row(record);
      if (blocked !== undefined) await blocked;
    }
    return undefined;
  }

  /** The pull has what it may take. */
  private get full(): boolean {
    const { records_max, bytes_max } = this.context.limits;
    return this.records >= records_max || this.bytes + this.units.unit_bytes >= bytes_max;
  }

  private row(record: Buffer): Promise<void> | undefined {
    const isNew = isNewRow(record, this.met, this.remembered);
    if (this.round.section === 'strays' && !this.round.strays) this.round = { ...this.round, strays: true };
    if (!isNew) return undefined;
    this.records += 1;
    return this.units.add(unitName(this.landed + 1), rowOf(record), 1);
  }

  /** Closes the unit, if there is one, with the position in the middle of the round. */
  private async seal(): Promise<void> {
    this.bytes += this.units.unit_bytes;
    this.round = { ...this.round, taken: this.remembered.toText() };
    if (this.units.unit_records === 0) return;
    this.landed += 1;
    await this.units.close(toPosition({ ...this.last, units: this.landed, round: this.round }));
  }

  private result(caught_up: boolean): PullResult {
    return { caught_up, position: toPosition({ ...this.last, units: this.landed, round: this.round }) };
  }

  private ended(): ChangesPosition {
    const { upto, low, horizon, strays } = this.round;
    const taken = this.remembered.toText();
    return { upto, low, horizon, strays, taken, rounds: this.last.rounds + 1, units: this.landed, round: null };
  }

  private orderOf(record: Buffer): readonly (string | null)[] {
    const fields = fieldsOf(rowOf(record));
    return orderColumns(this.plan, this.round.section).map((index) => fields[index] ?? null);
  }

  private sameOrder(one: Buffer, other: Buffer): boolean {
    const [left, right] = [this.orderOf(one), this.orderOf(other)];
    return left.every((text, index) => text === right[index]);
  }
}

function lastOf({ bytes, starts }: CopiedRows): Buffer | undefined {
  const from = starts.at(-2);
  return from === undefined ? undefined : Buffer.from(bytes.subarray(from, starts.at(-1)));
}
