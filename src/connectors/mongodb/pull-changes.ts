import type { Document } from 'mongodb';
import type { Landing, Position, PullContext, PullResult } from '../../core/ports/pulled-source.ts';
import { rowHash, TakenRows } from '../../kit/taken-rows.ts';
import { valueAt } from './cursor-values.ts';
import { isBeyondId } from './id-order.ts';
import { LandedDocuments } from './landed-documents.ts';
import type { MongodbOptions } from './options.ts';
import {
  beginRound,
  type ChangesPosition,
  type Codec,
  changesPosition,
  isBeyond,
  isStray,
  type Round,
} from './rounds.ts';
import type { Reach } from './session.ts';

/** Takes what is new by cursor: rounds as those of tables, see ADR 0037. */
export async function pullChanges(
  reach: Reach,
  options: MongodbOptions,
  landing: Landing,
  context: PullContext,
): Promise<PullResult> {
  const { BSON } = await import('mongodb');
  const last = changesPosition(context.position);
  const filter = BSON.EJSON.deserialize(options.filter ?? {}) as Document;
  const round = last.round ?? (await beginRound(reach, options, filter, last, BSON, context.note));
  const documents = new LandedDocuments(landing, options, context.limits, last.units);
  const walk = new RoundWalk(reach, options, filter, last, round, documents, BSON);
  try {
    return await walk.run(context);
  } catch (error) {
    await documents.abandon();
    throw error;
  }
}

/** One pull's way through a round. */
class RoundWalk {
  private readonly reach: Reach;
  private readonly options: MongodbOptions;
  private readonly filter: Document;
  private readonly last: ChangesPosition;
  private readonly documents: LandedDocuments;
  private readonly codec: Codec;
  private readonly met: TakenRows;
  private readonly remembered: TakenRows;
  private readonly field: string;
  private readonly lastUpto: unknown;
  private readonly low: unknown;
  private round: Round;

  constructor(
    reach: Reach,
    options: MongodbOptions,
    filter: Document,
    last: ChangesPosition,
    round: Round,
    documents: LandedDocuments,
    codec: Codec,
  ) {
    this.reach = reach;
    this.options = options;
    this.filter = filter;
    this.last = last;
    this.round = round;
    this.documents = documents;
    this.codec = codec;
    this.met = TakenRows.from(last.taken);
    this.remembered = TakenRows.from(round.taken);
    this.field = options.cursor?.field ?? '_id';
    this.lastUpto = this.parse(last.upto);
    this.low = this.parse(round.low);
  }

  async run(context: PullContext): Promise<PullResult> {
    const { last, documents } = this;
    const waits = (): PullResult => ({ caught_up: false, position: this.middle(documents.units) });
    if (this.round.section === 'strays') {
      if (!(await this.section())) return waits();
      await documents.close((units) => this.middle(units));
      this.round = { ...this.round, section: 'line', after: null };
      if (documents.full) return waits();
    }
    if (this.round.upto !== null && !(await this.section())) return waits();
    await documents.close((units) => this.ended(units));
    const same = documents.taken === 0 && last.round === null && last.rounds > 0 && context.position !== undefined;
    // The end of a round that an earlier pull began says nothing of this moment.
    return { caught_up: last.round === null, position: same ? context.position : this.ended(documents.units) };
  }

  /** False: there is more of it than this pull may take. */
  private async section(): Promise<boolean> {
    const { documents, options, reach, round } = this;
    const sort: Document =
      round.section === 'strays' || this.field === '_id' ? { _id: 1 } : { [this.field]: 1, _id: 1 };
    const found = reach.collection.find<Document>(
      { $and: this.conditions() },
      {
        sort,
        ...(options.projection === undefined ? {} : { projection: options.projection }),
        batchSize: options.batch_documents,
        allowDiskUse: true,
        maxTimeMS: options.timeout_s * 1000,
        raw: true,
      },
    );
    try {
      for await (const raw of found) {
        reach.signal.throwIfAborted();
        const bytes = raw as unknown as Buffer;
        await this.take(bytes);
        if (!documents.ripe) continue;
        this.stopAfter(bytes);
        await documents.close((units) => this.middle(units));
        if (documents.full) return false;
      }
      // A client that was closed ends its cursors without an error: a part would pass for the whole section.
      reach.signal.throwIfAborted();
    } finally {
      await found.close().catch(() => undefined);
    }
    return true;
  }

  private async take(bytes: Buffer): Promise<void> {
    const stray = this.round.section === 'strays';
    if (stray && !this.round.strays) this.round = { ...this.round, strays: true };
    const value = stray ? undefined : this.valueOf(bytes);
    const again = this.met.size > 0 && (stray || this.last.strays || !isBeyond(value, this.lastUpto));
    const remember = stray || (this.low !== undefined && isBeyond(value, this.low, true));
    if (again || remember) {
      const hash = rowHash(bytes);
      if (remember) this.remembered.add(hash);
      if (again && this.met.has(hash)) return;
    }
    await this.documents.add(bytes);
  }

  private conditions(): Document[] {
    const { round, last, field } = this;
    const conditions: Document[] = [this.filter];
    if (round.section === 'strays') conditions.push(isStray(field, round, this.codec));
    else {
      conditions.push({ [field]: { $type: round.kind, $lte: this.parse(round.upto) } });
      if (last.low !== null) conditions.push({ [field]: { $gte: this.parse(last.low) } });
      else if (last.upto !== null) conditions.push({ [field]: { $gt: this.parse(last.upto) } });
    }
    if (round.after !== null) {
      const [cursor, id] = [this.parse(round.after[0]), this.parse(round.after[1])];
      const beyond = isBeyondId(id);
      conditions.push(
        cursor === undefined || field === '_id'
          ? beyond
          : { $or: [{ [field]: { $gt: cursor } }, { [field]: cursor, ...beyond }] },
      );
    }
    return conditions;
  }

  private stopAfter(bytes: Buffer): void {
    const document = this.codec.deserialize(bytes, { promoteValues: false });
    const text = (value: unknown): string => this.codec.EJSON.stringify(value, { relaxed: false });
    const cursor = this.round.section === 'strays' ? null : text(valueAt(document, this.field));
    this.round = { ...this.round, after: [cursor, text(document['_id'])] };
  }

  private valueOf(bytes: Buffer): unknown {
    return valueAt(this.codec.deserialize(bytes, { promoteValues: false }), this.field);
  }

  private middle(units: number): Position {
    return { ...this.last, units, round: { ...this.round, taken: this.remembered.toText() } };
  }

  private ended(units: number): Position {
    const { kind, upto, low, strays } = this.round;
    const taken = this.remembered.toText();
    const end: ChangesPosition = { kind, upto, low, taken, strays, rounds: this.last.rounds + 1, units, round: null };
    return { ...end };
  }

  private parse(text: string | null): unknown {
    return text === null ? undefined : (this.codec.EJSON.parse(text, { relaxed: false }) as unknown);
  }
}
