import type { Document } from 'mongodb';
import type { Landing, PullContext, PullResult } from '../../core/ports/pulled-source.ts';
import { LandedDocuments } from './landed-documents.ts';
import type { MongodbOptions } from './options.ts';
import { type Reach, snapshotSession } from './session.ts';

/** Takes a whole collection as it is at one moment; one server alone has no such moments, which is told. */
export async function pullSnapshot(
  reach: Reach,
  options: MongodbOptions,
  landing: Landing,
  context: PullContext,
): Promise<PullResult> {
  const { BSON } = await import('mongodb');
  const session = snapshotSession(reach);
  if (session === undefined)
    context.note(`${options.collection}: the server is no replica set; what is written meanwhile may be taken or not`);
  const documents = new LandedDocuments(landing, options, EVERYTHING, 0);
  const position = () => ({ snapshot_documents: documents.taken, units: documents.units });
  const filter = BSON.EJSON.deserialize(options.filter ?? {}) as Document;
  const found = reach.collection.find<Document>(filter, {
    ...(session === undefined ? {} : { session }),
    ...(options.projection === undefined ? {} : { projection: options.projection }),
    sort: { _id: 1 },
    batchSize: options.batch_documents,
    allowDiskUse: true,
    maxTimeMS: options.timeout_s * 1000,
    raw: true,
  });
  try {
    for await (const raw of found) {
      context.signal.throwIfAborted();
      await documents.add(raw as unknown as Buffer);
      if (documents.ripe) await documents.close(() => position());
    }
    // A client that was closed ends its cursors without an error: a part would pass for everything.
    context.signal.throwIfAborted();
    await documents.close(() => position());
    return { caught_up: true, position: position() };
  } catch (error) {
    await documents.abandon();
    throw error;
  } finally {
    await found.close().catch(() => undefined);
    await session?.endSession().catch(() => undefined);
  }
}

/** A snapshot is taken whole. */
const EVERYTHING = { records_max: Number.POSITIVE_INFINITY, bytes_max: Number.POSITIVE_INFINITY, wait_ms: 0 };
