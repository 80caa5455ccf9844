import { hdfs } from './hdfs.ts';
import { hdfs_pair } from './hdfs-pair.ts';
import { kafka } from './kafka.ts';
import { minio } from './minio.ts';
import { mongodb, mongodb_three } from './mongodb.ts';
import { postgresql } from './postgresql.ts';
import { schema_registry } from './schema-registry.ts';
import type { Server } from './server.ts';
import { sftp, sftp_password } from './sftp.ts';
import { spark } from './spark.ts';
import { spark_cluster } from './spark-cluster.ts';

/** Every server that tests can use. A new one is a file and a line here. */
export const SERVERS = {
  kafka,
  schema_registry,
  minio,
  mongodb,
  mongodb_three,
  postgresql,
  hdfs,
  hdfs_pair,
  sftp,
  sftp_password,
  spark,
  spark_cluster,
} as const satisfies Record<string, Server>;

export type ServerName = keyof typeof SERVERS;

export function isServerName(name: string): name is ServerName {
  return Object.hasOwn(SERVERS, name);
}

/** The settings of a server that are in the environment; undefined if its first one is not. */
export function settingsInEnvironment(server: Server): Readonly<Record<string, string>> | undefined {
  const found: Record<string, string> = {};
  for (const variable of server.variables) {
    const value = process.env[variable];
    if (value !== undefined && value !== '') found[variable] = value;
  }
  return found[server.variables[0]] === undefined ? undefined : found;
}

/** Starts servers all at once, except that each comes behind those of them that it takes note of (`after`). @param start must not reject */
export async function startAll(servers: readonly Server[], start: (server: Server) => Promise<void>): Promise<void> {
  const begun = new Map<string, Promise<void>>();
  const begin = (server: Server): Promise<void> => {
    const before = servers.filter(({ name }) => server.after?.includes(name));
    const known = begun.get(server.name) ?? Promise.all(before.map(begin)).then(() => start(server));
    begun.set(server.name, known);
    return known;
  };
  await Promise.all(servers.map(begin));
}
