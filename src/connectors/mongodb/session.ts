import type { ClientSession, Collection, Document, MongoClient, MongoClientOptions } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { PullContext } from '../../core/ports/pulled-source.ts';
import { type MongodbConnection, placeOf } from './connection.ts';
import { mongodbError } from './errors.ts';
import type { MongodbOptions } from './options.ts';

/** What the server is. */
export interface ServerFacts {
  readonly version: string;
  /** A replica set or a cluster: snapshots and change streams work. */
  readonly replicated: boolean;
}

/** A client while it is used. */
export interface Reach {
  readonly client: MongoClient;
  readonly collection: Collection;
  readonly facts: ServerFacts;
  readonly place: string;
  readonly signal: AbortSignal;
}

/** Signs in, does the work, signs out. Errors are DataflowErrors. */
export async function reach<T>(
  connection: MongodbConnection,
  options: Pick<MongodbOptions, 'collection'>,
  context: Pick<PullContext, 'signal'>,
  work: (reach: Reach) => Promise<T>,
): Promise<T> {
  const place = placeOf(connection);
  const { signal } = context;
  let client: MongoClient | undefined;
  const abort = (): void => void client?.close(true).catch(() => undefined);
  try {
    signal.throwIfAborted();
    client = await connect(connection);
    signal.addEventListener('abort', abort);
    const database = client.db(connection.database);
    const facts = await factsOf(client);
    await refuseUnknown(database, options.collection, place);
    return await work({ client, collection: database.collection(options.collection), facts, place, signal });
  } catch (error) {
    throw mongodbError(error, place, signal);
  } finally {
    signal.removeEventListener('abort', abort);
    await client?.close(true).catch(() => undefined);
  }
}

export async function connect(
  { url, user, password, connect_timeout_s }: MongodbConnection,
  more: Pick<MongoClientOptions, 'maxPoolSize'> = {},
): Promise<MongoClient> {
  const { MongoClient: Client } = await import('mongodb');
  const timeout = connect_timeout_s * 1000;
  const client = new Client(url, {
    appName: 'dataflow',
    ...more,
    // An answer that is lost in an election is asked for once more by the driver, at the new primary.
    retryReads: true,
    serverSelectionTimeoutMS: timeout,
    connectTimeoutMS: timeout,
    ...(user === undefined ? {} : { auth: { username: user, password: password ?? '' } }),
  });
  try {
    return await client.connect();
  } catch (error) {
    await client.close(true).catch(() => undefined);
    throw error;
  }
}

export async function factsOf(client: MongoClient): Promise<ServerFacts> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  const build = await admin.command({ buildInfo: 1 }).catch((): Document => ({ version: '' }));
  return {
    version: String(build['version']),
    replicated: hello['setName'] !== undefined || hello['msg'] === 'isdbgrid',
  };
}

/** A collection that does not exist would be empty without a word. */
async function refuseUnknown(database: ReturnType<MongoClient['db']>, name: string, place: string): Promise<void> {
  const options = { nameOnly: true, authorizedCollections: true };
  const found = await database.listCollections({ name }, options).toArray();
  if (found.length === 0)
    throw new DataflowError(
      'E_SOURCE_QUERY',
      `MongoDB at ${place}: there is no collection ${name}, or it may not be read`,
    );
}

/** A session in which all reads show one moment, where the server has that. */
export function snapshotSession({ client, facts }: Reach): ClientSession | undefined {
  const major = Number(facts.version.split('.')[0]);
  return facts.replicated && major >= 5 ? client.startSession({ snapshot: true }) : undefined;
}
