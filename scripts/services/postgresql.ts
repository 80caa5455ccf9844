import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { selfSigned } from './certificate.ts';
import { findProgram } from './command.ts';
import { type Room, type Server, Unavailable } from './server.ts';
import { giveAway, unprivilegedUser } from './unprivileged.ts';

const USER = 'dataflow';
const PASSWORD = 'only-for-tests';
const DEBIAN = '/usr/lib/postgresql';

/** One server with a database of its own, passwords by SCRAM; with and without TLS. PostgreSQL refuses to run as root. */
export const postgresql: Server = {
  name: 'postgresql',
  title: 'PostgreSQL 15',
  variables: ['DATAFLOW_TEST_POSTGRESQL', 'DATAFLOW_TEST_POSTGRESQL_CA', 'DATAFLOW_TEST_POSTGRESQL_BIN'],

  async install() {
    const folders = versionsOf(DEBIAN).map((version) => join(DEBIAN, version, 'bin'));
    const found = findProgram('initdb', folders);
    if (found === undefined) throw new Unavailable('PostgreSQL is not installed (initdb); the package is postgresql');
    return join(found, '..');
  },

  async start(room) {
    const port = await room.port('server');
    const data = join(room.folder, 'data');
    const owner = await unprivilegedUser();
    if (!existsSync(data)) await makeCluster(room, data, owner);
    // Data outlives a killed process without fsync, only not a power failure, and nobody needs it then.
    const limits = ['-c', 'fsync=off', '-c', 'wal_level=logical', '-c', 'shared_buffers=128MB'];
    const address = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${port}`, '-c', 'unix_socket_directories='];
    const { key, certificate } = await selfSigned(room.folder);
    await giveAway(key);
    const tls = ['-c', 'ssl=on', '-c', `ssl_cert_file=${certificate}`, '-c', `ssl_key_file=${key}`];
    const args = ['-D', data, ...address, ...limits, ...tls];
    // SIGTERM would wait for clients to leave.
    const stop_signal = 'SIGINT';
    room.launch({ name: 'postgres', command: join(room.installed, 'postgres'), args, user: owner, stop_signal });
    const server = `postgresql://${USER}:${PASSWORD}@127.0.0.1:${port}`;
    await room.ready(() => hasDatabase(server));
    return {
      DATAFLOW_TEST_POSTGRESQL: `${server}/${USER}`,
      DATAFLOW_TEST_POSTGRESQL_CA: certificate,
      DATAFLOW_TEST_POSTGRESQL_BIN: room.installed, // psql, pg_dump …
    };
  },
};

/** Newest first, but 15, which the tests were written for, before all. */
function versionsOf(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const rank = (version: string): number => (version === '15' ? 1000 : Number(version));
  return readdirSync(folder).sort((a, b) => rank(b) - rank(a));
}

async function makeCluster(room: Room, data: string, owner: string): Promise<void> {
  const secret = join(room.folder, 'password');
  writeFileSync(secret, PASSWORD, { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  await giveAway(data, secret);
  const args = ['-D', data, '-U', USER, '--auth=scram-sha-256', `--pwfile=${secret}`, '--encoding=UTF8', '--locale=C'];
  await room.run({
    name: 'initdb',
    command: join(room.installed, 'initdb'),
    args: [...args, '--no-sync'],
    user: owner,
  });
}

async function hasDatabase(server: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: `${server}/postgres`, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [USER]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${USER}`);
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}
