import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Outlook, Position, Probe, PulledSource } from '../../core/ports/pulled-source.ts';
import type { PulledSourceComponent } from '../../core/ports/source-component.ts';
import { shortHash } from '../../kit/ids.ts';
import type { MongodbConnection } from './connection.ts';
import { type MongodbOptions, schema } from './options.ts';
import { changesOutlook, GLANCE_MS } from './outlook.ts';
import { pullChanges } from './pull-changes.ts';
import { pullSnapshot } from './pull-snapshot.ts';
import { pullStream } from './pull-stream.ts';
import { type Reach, reach } from './session.ts';

/** A collection of a MongoDB database: `type: mongodb`. */
export const component: PulledSourceComponent<MongodbOptions> = {
  type: 'mongodb',
  summary: 'A collection of MongoDB: whole, by a cursor, or by its change stream; every BSON type kept exactly.',
  schema,
  connection_types: ['mongodb'],
  open: (options, { connection }) => {
    if (connection === undefined) throw new DataflowError('E_INTERNAL', 'a mongodb source without a connection');
    return mongodbSource(options, connection.options as MongodbConnection);
  },
};

function mongodbSource(options: MongodbOptions, connection: MongodbConnection): PulledSource {
  const way = options.change_stream ? pullStream : options.cursor === undefined ? pullSnapshot : pullChanges;
  return {
    pulls: options.change_stream || options.cursor !== undefined ? 'changes' : 'snapshot',
    asks: askedFor(options),
    look: (context) => reach(connection, options, context, (at) => look(at, options, context.position)),
    pull: (landing, context) => reach(connection, options, context, (at) => way(at, options, landing, context)),
    probe: async (context) => {
      try {
        return await reach(connection, options, context, (at) => probe(at, options));
      } catch (error) {
        if (!(error instanceof DataflowError)) throw error;
        return { ok: false, words: error.message, hint: error.hint };
      }
    },
    close: async () => undefined,
  };
}

async function probe({ collection, facts, place }: Reach, options: MongodbOptions): Promise<Probe> {
  await collection.findOne({}, { projection: { _id: 1 }, maxTimeMS: GLANCE_MS });
  if (options.change_stream && !facts.replicated)
    return {
      ok: false,
      words: `MongoDB ${facts.version} at ${place} is one server alone: it has no change streams`,
      hint: 'Make it a replica set of one (--replSet), or follow the collection by `cursor:`.',
    };
  const kind = facts.replicated ? 'replica set' : 'one server';
  return { ok: true, words: `MongoDB ${facts.version} at ${place} (${kind}): ${options.collection} can be read` };
}

async function look(at: Reach, options: MongodbOptions, position: Position | undefined): Promise<Outlook> {
  if (options.change_stream) return { pending: 'unknown', words: `the change stream of ${options.collection}` };
  if (options.cursor === undefined) {
    const records = await at.collection.estimatedDocumentCount({ maxTimeMS: GLANCE_MS });
    return {
      pending: 'unknown',
      records,
      words: `about ${records.toLocaleString('en')} documents, as they are at that moment`,
    };
  }
  return changesOutlook(at, { ...options, cursor: options.cursor }, position);
}

/** What a position counts for. */
function askedFor({ collection, filter, change_stream, cursor }: MongodbOptions): string {
  const part = filter === undefined ? '' : ` where ${shortHash(JSON.stringify(filter))}`;
  const way = change_stream ? ' by change stream' : cursor === undefined ? '' : ` by ${cursor.field}`;
  return `collection ${collection}${part}${way}`;
}
