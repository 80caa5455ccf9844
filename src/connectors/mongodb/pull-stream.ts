import type { ChangeStream, Document, Timestamp } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Landing, Position, PullContext, PullResult } from '../../core/ports/pulled-source.ts';
import { isBeyondId } from './id-order.ts';
import { LandedDocuments } from './landed-documents.ts';
import type { MongodbOptions } from './options.ts';
import type { Reach } from './session.ts';

/** Where a change stream stands; tokens, times and ids are canonical extended JSON as text. */
interface StreamPosition {
  readonly units: number;
  /** Just after the moment at which the first document was read: the stream begins there. */
  readonly start_at: string | null;
  /** While the collection is read for the first time: the last `_id` that was taken. */
  readonly read_after: string | null;
  readonly read_done: boolean;
  /** After which event the stream goes on. */
  readonly resume: string | null;
}

const BEGINNING: StreamPosition = { units: 0, start_at: null, read_after: null, read_done: false, resume: null };

/** Events of rows; others end the stream (the collection was dropped or renamed) or change nothing. */
const KINDS: ReadonlySet<string> = new Set(['insert', 'update', 'replace', 'delete']);
const ENDS: ReadonlySet<string> = new Set(['drop', 'rename', 'dropDatabase', 'invalidate']);

type Codec = typeof import('mongodb').BSON;

/** Takes the collection once, then each change as a row of its own. */
export async function pullStream(
  reach: Reach,
  options: MongodbOptions,
  landing: Landing,
  context: PullContext,
): Promise<PullResult> {
  if (!reach.facts.replicated)
    throw new DataflowError(
      'E_SOURCE_QUERY',
      `MongoDB at ${reach.place} is one server alone: it has no change streams`,
      {
        hint: 'Make it a replica set of one (--replSet), or follow the collection by `cursor:`.',
      },
    );
  const { BSON } = await import('mongodb');
  let position: StreamPosition = { ...BEGINNING, ...(context.position as Partial<StreamPosition> | undefined) };
  if (position.start_at === null) position = { ...position, start_at: await operationTime(reach, BSON) };
  const documents = new LandedDocuments(landing, options, context.limits, position.units);
  const walk = new StreamWalk(reach, options, documents, position, BSON);
  try {
    if (!(await walk.readOnce())) return { caught_up: false, position: walk.at(documents.units) };
    const caught_up = await walk.follow(context.limits.wait_ms);
    return { caught_up, position: walk.at(documents.units) };
  } catch (error) {
    await documents.abandon();
    throw error;
  }
}

async function operationTime({ client }: Reach, codec: Codec): Promise<string> {
  const { operationTime } = await client.db('admin').command({ ping: 1 });
  const now = operationTime as Timestamp;
  // What happened up to now is in what is read; the stream begins with what comes next.
  const next = new codec.Timestamp({ t: now.getHighBitsUnsigned(), i: now.getLowBitsUnsigned() + 1 });
  return codec.EJSON.stringify(next, { relaxed: false });
}

class StreamWalk {
  private readonly reach: Reach;
  private readonly options: MongodbOptions;
  private readonly documents: LandedDocuments;
  private readonly codec: Codec;
  private position: StreamPosition;

  constructor(
    reach: Reach,
    options: MongodbOptions,
    documents: LandedDocuments,
    position: StreamPosition,
    codec: Codec,
  ) {
    this.reach = reach;
    this.options = options;
    this.documents = documents;
    this.position = position;
    this.codec = codec;
  }

  at(units: number): Position {
    return { ...this.position, units };
  }

  /** The documents that were there before the stream. False: there are more of them. */
  async readOnce(): Promise<boolean> {
    const { documents, options, reach } = this;
    if (this.position.read_done) return true;
    const after = this.parse(this.position.read_after);
    const rest: Document = after === undefined ? {} : isBeyondId(after);
    const found = reach.collection.find<Document>(rest, {
      sort: { _id: 1 },
      batchSize: options.batch_documents,
      maxTimeMS: options.timeout_s * 1000,
      raw: true,
    });
    for await (const raw of found) {
      reach.signal.throwIfAborted();
      const bytes = raw as unknown as Buffer;
      await documents.add(bytes, FIRST_READ);
      if (!documents.ripe) continue;
      const id: unknown = this.codec.deserialize(bytes, { promoteValues: false })['_id'];
      this.position = { ...this.position, read_after: this.text(id) };
      await documents.close((units) => this.at(units));
      if (documents.full) return false;
    }
    // A client that was closed ends its cursors without an error: a part would pass for everything.
    reach.signal.throwIfAborted();
    this.position = { ...this.position, read_after: null, read_done: true };
    await documents.close((units) => this.at(units));
    return !documents.full;
  }

  /** True: no event came for `wait_ms`. */
  async follow(wait_ms: number): Promise<boolean> {
    const { documents, reach } = this;
    const stream = this.open(wait_ms);
    try {
      for (;;) {
        reach.signal.throwIfAborted();
        const event = (await stream.tryNext()) as unknown as Document | null;
        if (event === null) break;
        await this.take(event);
        this.position = { ...this.position, resume: this.text(event['_id']) };
        if (!documents.ripe) continue;
        await documents.close((units) => this.at(units));
        if (documents.full) return false;
      }
      reach.signal.throwIfAborted();
      // The token of an empty answer: where nothing happened, history still goes on.
      const token = stream.resumeToken ?? null;
      if (token !== null) this.position = { ...this.position, resume: this.text(token) };
      await documents.close((units) => this.at(units));
      return true;
    } finally {
      await stream.close().catch(() => undefined);
    }
  }

  private open(wait_ms: number): ChangeStream {
    const resume = this.parse(this.position.resume);
    const start = this.parse(this.position.start_at);
    return this.reach.collection.watch([], {
      fullDocument: 'updateLookup',
      maxAwaitTimeMS: Math.max(1, wait_ms),
      batchSize: this.options.batch_documents,
      promoteValues: false,
      promoteLongs: false,
      bsonRegExp: true,
      ...(resume === undefined ? { startAtOperationTime: start as never } : { resumeAfter: resume }),
    });
  }

  private async take(event: Document): Promise<void> {
    const kind = String(event['operationType']);
    if (ENDS.has(kind))
      throw new DataflowError(
        'E_SOURCE_LOST',
        `MongoDB at ${this.reach.place}: collection ${this.options.collection} had a ${kind}`,
        {
          hint: 'Its rows stay in the lake. Take what is there now with --full-refresh --force.',
        },
      );
    if (!KINDS.has(kind)) return;
    // An update whose document is gone already has only its key; the delete follows.
    const document = (event['fullDocument'] ?? event['documentKey'] ?? {}) as Document;
    const { wallTime: wall, clusterTime: cluster } = event;
    const at = wall instanceof Date ? wall : new Date((cluster as Timestamp).getHighBitsUnsigned() * 1000);
    await this.documents.add(Buffer.from(this.codec.serialize(document)), [
      ['_op', JSON.stringify(kind)],
      ['_at', JSON.stringify(at.toISOString())],
    ]);
  }

  private text(value: unknown): string {
    return this.codec.EJSON.stringify(value, { relaxed: false });
  }

  private parse(text: string | null): unknown {
    return text === null ? undefined : (this.codec.EJSON.parse(text, { relaxed: false }) as unknown);
  }
}

const FIRST_READ: readonly (readonly [string, string])[] = [
  ['_op', '"read"'],
  ['_at', 'null'],
];
